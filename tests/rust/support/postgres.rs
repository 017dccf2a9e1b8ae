//! A PostgreSQL server of the tests, and a database for each test.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Where the server's programs are; `make test` sets it.
const BINARIES: &str = "SUTRO_TEST_POSTGRES";

/// Stops the server when the process that started it has ended, however it ended: then nobody
/// holds the other end of its standard input.
const GUARD: &str = r#"
    cat > /dev/null
    kill -CONT "$(head -n 1 "$2/data/postmaster.pid")"
    "$1/pg_ctl" -D "$2/data" stop -m immediate
    rm -rf "$2"
"#;

pub(crate) struct PostgresServer {
    binaries: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Who runs it, if this process is root: PostgreSQL refuses to run as root.
    user: Option<u32>,
    guard: Child,
}

/// A new database of the server that all tests of this process share. Without PostgreSQL, prints
/// why the test is skipped.
pub(crate) async fn database() -> Option<String> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    match SERVER.get_or_init(PostgresServer::start) {
        Some(server) => Some(server.new_database().await),
        None => None,
    }
}

impl PostgresServer {
    /// A server with its default settings: what it acknowledges is durable. Without PostgreSQL,
    /// prints why the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let binaries = std::env::var_os(BINARIES).filter(|folder| !folder.is_empty());
        let Some(binaries) = binaries else {
            eprintln!("skipped: {BINARIES} does not name a folder with PostgreSQL's programs");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("sutro-postgres-").tempdir().unwrap().keep();
        let user = user_for(&folder);
        let binaries = runnable(PathBuf::from(binaries), &folder, user);
        let mut guard = command(user, "sh");
        guard.args(["-c", GUARD, "sh"]).args([&binaries, &folder]).stdin(Stdio::piped());
        let guard = guard.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { binaries, folder, port: 0, user, guard };
        server.run(
            "initdb",
            &["-A", "trust", "-U", "sutro", "--no-sync", "-E", "UTF8", "--locale=C"],
        );
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
             max_connections = 300\nshared_buffers = '32MB'\n",
            server.folder.display()
        );
        let mut file =
            fs::OpenOptions::new().append(true).open(server.data().join("postgresql.conf"));
        file.as_mut().unwrap().write_all(settings.as_bytes()).unwrap();
        server.port = free_port();
        server.resume_service();
        Some(server)
    }

    /// A new, empty database: its URL.
    pub(crate) async fn new_database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://sutro@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs a statement in the database `postgres`.
    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    #[allow(dead_code, reason = "not all test binaries stop it")]
    /// Stops the server: `fast` ends all sessions, `immediate` is a crash.
    pub(crate) fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["stop", "-w", "-m", mode]);
    }

    /// Starts the server again after [`Self::stop`].
    pub(crate) fn resume_service(&self) {
        let (log, port) = (self.folder.join("log"), format!("-p {}", self.port));
        self.run("pg_ctl", &["start", "-w", "-l", log.to_str().unwrap(), "-o", &port]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = command(self.user, self.binaries.join(program));
        command.arg("-D").arg(self.data()).args(arguments).current_dir(&self.folder);
        // A server that was started keeps its standard streams.
        let log = fs::File::create(self.folder.join(format!("{program}.log"))).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        let status = command.status().unwrap();
        let words = fs::read_to_string(self.folder.join(format!("{program}.log"))).unwrap();
        assert!(status.success(), "{program}: {words}");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn command(user: Option<u32>, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = user {
        std::os::unix::process::CommandExt::uid(&mut command, user);
    }
    command
}

/// The user `nobody`, if this process is root. The folder becomes theirs.
fn user_for(folder: &Path) -> Option<u32> {
    let id = |of: &[&str]| {
        let output = Command::new("id").arg("-u").args(of).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<u32>().unwrap()
    };
    if id(&[]) != 0 {
        return None;
    }
    let nobody = id(&["nobody"]);
    std::os::unix::fs::chown(folder, Some(nobody), None).unwrap();
    Some(nobody)
}

/// Where the user can run the programs. Others may not look into every folder of root.
fn runnable(binaries: PathBuf, folder: &Path, user: Option<u32>) -> PathBuf {
    let mut version = command(user, binaries.join("postgres"));
    if version.arg("--version").stdout(Stdio::null()).status().is_ok_and(|ran| ran.success()) {
        return binaries;
    }
    let copied = Command::new("cp")
        .arg("-R")
        .args([binaries.parent().unwrap(), &folder.join("pg")])
        .status();
    assert!(copied.unwrap().success());
    folder.join("pg/bin")
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
