//! An S3 server of the tests (`SeaweedFS`), and a prefix for each test.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// The server's program; `make test` sets it.
const PROGRAM: &str = "SUTRO_TEST_S3";

const BUCKET: &str = "files";
pub(crate) const SECRET: &str = "secret-of-the-tests";

/// Stops the server when the process that started it has ended, however it ended: then nobody
/// holds the other end of its standard input.
const GUARD: &str = r#"
    cat > /dev/null
    read -r server < "$1/pid"
    kill -CONT "$server"
    kill -KILL "$server"
    rm -rf "$1"
"#;

pub(crate) struct S3Server {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    guard: Child,
    server: Mutex<Child>,
}

impl S3Server {
    /// The server that all tests of this process share. Without one, prints why the test is
    /// skipped.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<S3Server>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref()
    }

    /// A server whose data survives [`Self::kill`]. Without one, prints why the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let program = std::env::var_os(PROGRAM).filter(|program| !program.is_empty());
        let Some(program) = program.map(PathBuf::from) else {
            eprintln!("skipped: {PROGRAM} does not name the program of an S3 server");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("sutro-s3-").tempdir().unwrap().keep();
        let identities = format!(
            r#"{{"identities": [{{"name": "tests", "actions": ["Admin"],
                "credentials": [{{"accessKey": "tests", "secretKey": "{SECRET}"}}]}}]}}"#
        );
        fs::write(folder.join("s3.json"), identities).unwrap();
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = free_ports();
        let server = Mutex::new(run(&program, &folder, port));
        Some(Self { program, folder, port, guard, server })
    }

    /// A place for files that nobody else has.
    pub(crate) fn new_place() -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        format!("s3://{BUCKET}/test-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Options of a place: those of this server, unless others are given.
    pub(crate) fn options(&self, given: &[(&str, &str)]) -> Vec<(String, String)> {
        let endpoint = self.endpoint();
        let own =
            [("endpoint", &*endpoint), ("access_key_id", "tests"), ("secret_access_key", SECRET)];
        own.iter().chain(given).map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[allow(dead_code, reason = "not all test binaries look at objects")]
    /// How many blobs a place has.
    pub(crate) fn blobs(&self, place: &str) -> usize {
        let listing = self.file("GET", &format!("{place}/?limit=1000000"), b"");
        listing.matches("/file_").count()
    }

    #[allow(dead_code, reason = "not all test binaries look at objects")]
    /// Replaces an object, as nothing but damage does.
    pub(crate) fn replace(&self, object: &str, content: &[u8]) {
        let answer = self.file("PUT", object, content);
        assert!(answer.contains(" 201 "), "{answer}");
    }

    #[allow(dead_code, reason = "not all test binaries look at objects")]
    pub(crate) fn remove(&self, object: &str) {
        let answer = self.file("DELETE", object, b"");
        assert!(answer.contains(" 204 "), "{answer}");
    }

    /// Asks the part of the server that keeps objects as files. It needs no signature.
    fn file(&self, method: &str, url: &str, content: &[u8]) -> String {
        let path = url.strip_prefix("s3://").unwrap();
        ask(self.port + 4, method, &format!("/buckets/{path}"), content).unwrap()
    }

    #[allow(dead_code, reason = "not all test binaries stop it")]
    pub(crate) fn kill(&self) {
        let mut server = self.server.lock().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    #[allow(dead_code, reason = "not all test binaries stop it")]
    /// Starts the server again after [`Self::kill`].
    pub(crate) fn start_again(&self) {
        *self.server.lock().unwrap() = run(&self.program, &self.folder, self.port);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        let _ = self.server.lock().unwrap().wait();
    }
}

/// Runs the server until it responds. Each of its parts has a port for HTTP, and one for itself.
fn run(program: &PathBuf, folder: &PathBuf, port: u16) -> Child {
    let ports =
        ["s3", "master", "filer", "volume", "admin"].iter().zip(0..).flat_map(|(of, place)| {
            [
                format!("-{of}.port={}", port + 2 * place),
                format!("-{of}.port.grpc={}", port + 2 * place + 1),
            ]
        });
    let log = fs::File::create(folder.join("log")).unwrap();
    let mut server = Command::new(program)
        .args(["-logtostderr=true", "mini", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
        .arg(format!("-dir={}", folder.display()))
        .arg(format!("-s3.config={}", folder.join("s3.json").display()))
        .arg(format!("-bucket={BUCKET}"))
        .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"])
        .args(["-webdav=false", "-admin.ui=false", "-master.telemetry=false"])
        .args(ports)
        .current_dir(folder)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut pid = fs::File::create(folder.join("pid")).unwrap();
    writeln!(pid, "{}", server.id()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_ready(port) {
        let log = || fs::read_to_string(folder.join("log")).unwrap();
        assert!(server.try_wait().unwrap().is_none() && Instant::now() < deadline, "{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    server
}

/// The bucket is created a moment after the server responds.
fn is_ready(port: u16) -> bool {
    responds(port, "/healthz") && responds(port + 4, &format!("/buckets/{BUCKET}/"))
}

fn responds(port: u16, path: &str) -> bool {
    ask(port, "GET", path, b"").is_ok_and(|answer| answer.starts_with("HTTP/1.0 200"))
}

/// The response to a request, with its head. HTTP/1.0 has no chunks in it.
fn ask(port: u16, method: &str, path: &str, content: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let length = content.len();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), content].concat())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The first of ten free ports in a row.
fn free_ports() -> u16 {
    loop {
        let first = fastrand::u16(20_000..30_000);
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if (first..first + 10).map(bind).all(|bound| bound.is_ok()) {
            return first;
        }
    }
}
