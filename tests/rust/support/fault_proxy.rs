//! A TCP proxy that breaks connections, by a seeded plan of faults.

use std::{net::SocketAddr, sync::Mutex, time::Duration};

use fastrand::Rng;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

/// What happens to one connection.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    None,
    /// Reset before anything is read.
    Reset,
    /// Reset after so many bytes of the request.
    CutRequest(usize),
    /// The request arrives; its answer is reset after so many bytes.
    CutAnswer(usize),
    /// After so many bytes of the request nothing moves any more.
    Stall(usize),
    /// This answer after so many bytes of the request, which never arrives.
    EarlyAnswer(usize, &'static str),
    /// The request arrives; this answer takes the place of the service's.
    OtherAnswer(&'static str),
    /// The whole request is taken, the client cut off, and the request delivered later.
    Late(Duration),
    /// The request arrives, and its answer never does.
    SwallowAnswer,
    /// The client's side is closed for writing after so many bytes of the request.
    HalfClose(usize),
    /// The request arrives; in place of its answer come three megabytes.
    Flood,
    /// The connection is not kept for another request.
    CloseAfterAnswer,
    /// Every piece is held up.
    Slow(Duration),
}

const ANSWERS: [&str; 9] = [
    "500 Internal Server Error\r\n",
    "502 Bad Gateway\r\n",
    "503 Service Unavailable\r\nRetry-After: 0\r\n",
    "429 Too Many Requests\r\nRetry-After: 0\r\n",
    "524 A Timeout Occurred\r\n",
    "408 Request Timeout\r\n",
    "302 Found\r\nLocation: http://127.0.0.1:1/login\r\n",
    "200 OK\r\nContent-Type: text/html\r\n",
    "504 Gateway Timeout\r\n",
];

impl Fault {
    fn any(rng: &mut Rng, percent: u8) -> Self {
        if rng.u8(0..100) >= percent {
            return Self::None;
        }
        let bytes = *rng.choice(&[1, 100, 400, 2_000, 20_000, 100_000]).unwrap();
        let answer = rng.choice(&ANSWERS).unwrap();
        match rng.u8(0..12) {
            0 => Self::Reset,
            1 => Self::CutRequest(bytes),
            2 => Self::CutAnswer(rng.usize(0..200)),
            3 => Self::Stall(bytes),
            4 => Self::EarlyAnswer(bytes, answer),
            5 | 6 => Self::OtherAnswer(answer),
            8 => Self::SwallowAnswer,
            9 => Self::HalfClose(bytes),
            10 => Self::Flood,
            7 => Self::Late(Duration::from_millis(rng.u64(0..50))),
            _ => Self::Slow(Duration::from_millis(rng.u64(1..10))),
        }
    }
}

pub(crate) struct FaultProxy {
    pub(crate) address: SocketAddr,
    /// Dropped with the proxy, which ends all connections.
    _tasks: JoinSet<()>,
}

impl FaultProxy {
    /// Breaks `percent` of the connections to `server`.
    pub(crate) async fn start(server: SocketAddr, seed: u64, percent: u8) -> Self {
        let rng = Mutex::new(Rng::with_seed(seed));
        Self::with_faults(server, move |_| Fault::any(&mut rng.lock().unwrap(), percent)).await
    }

    /// Breaks connections as `fault_of` says, by their number from 0.
    pub(crate) async fn with_faults(
        server: SocketAddr,
        fault_of: impl Fn(usize) -> Fault + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (client, _) = listener.accept().await.unwrap();
                let fault = fault_of(number);
                connections.spawn(async move {
                    // Whatever fails here is a broken connection, too.
                    let _ = serve(client, server, fault).await;
                });
            }
        });
        Self { address, _tasks: tasks }
    }
}

async fn serve(mut client: TcpStream, server: SocketAddr, fault: Fault) -> std::io::Result<()> {
    match fault {
        Fault::Reset => reset(&client),
        Fault::EarlyAnswer(bytes, answer) => {
            read_some(&mut client, bytes).await?;
            respond(&mut client, answer).await?;
        }
        Fault::Late(delay) => {
            let request = read_request(&mut client).await?;
            drop(client);
            sleep(delay).await;
            let mut server = TcpStream::connect(server).await?;
            server.write_all(&request).await?;
            read_some(&mut server, 1).await?;
        }
        Fault::CutRequest(bytes) => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, bytes, usize::MAX, Duration::ZERO).await?;
            reset(&client);
        }
        Fault::Stall(bytes) => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, bytes, usize::MAX, Duration::ZERO).await?;
            // Until the client gives up and the run ends.
            sleep(Duration::from_mins(1)).await;
        }
        Fault::CutAnswer(bytes) => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, usize::MAX, bytes, Duration::ZERO).await?;
            reset(&client);
        }
        Fault::OtherAnswer(answer) => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, usize::MAX, 0, Duration::ZERO).await?;
            respond(&mut client, answer).await?;
        }
        Fault::SwallowAnswer => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, usize::MAX, 0, Duration::ZERO).await?;
            sleep(Duration::from_mins(1)).await;
        }
        Fault::HalfClose(bytes) => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, bytes, usize::MAX, Duration::ZERO).await?;
            client.shutdown().await?;
            server.shutdown().await?;
            read_some(&mut client, usize::MAX).await?;
        }
        Fault::Flood => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, usize::MAX, 0, Duration::ZERO).await?;
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n").await?;
            client.write_all(&vec![b' '; 3_000_000]).await?;
        }
        Fault::CloseAfterAnswer => {
            let mut server = TcpStream::connect(server).await?;
            let request = read_some(&mut client, usize::MAX).await?;
            server.write_all(&request).await?;
            let answer = read_some(&mut server, usize::MAX).await?;
            client.write_all(&answer).await?;
        }
        Fault::None => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, usize::MAX, usize::MAX, Duration::ZERO).await?;
        }
        Fault::Slow(pause) => {
            let mut server = TcpStream::connect(server).await?;
            pump(&mut client, &mut server, usize::MAX, usize::MAX, pause).await?;
        }
    }
    Ok(())
}

fn reset(stream: &TcpStream) {
    #[expect(deprecated, reason = "lingers for no time: it does not block")]
    let _ = stream.set_linger(Some(Duration::ZERO));
}

/// Passes bytes on until one side has ended, or has sent more than its limit.
async fn pump(
    client: &mut TcpStream,
    server: &mut TcpStream,
    mut request_limit: usize,
    mut answer_limit: usize,
    pause: Duration,
) -> std::io::Result<()> {
    let (mut from_client, mut from_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let passed = read?.min(request_limit);
                server.write_all(&from_client[..passed]).await?;
                request_limit -= passed;
                if passed == 0 || request_limit == 0 {
                    return Ok(());
                }
            }
            read = server.read(&mut from_server) => {
                let passed = read?.min(answer_limit);
                client.write_all(&from_server[..passed]).await?;
                answer_limit -= passed;
                if passed == 0 || answer_limit == 0 {
                    return Ok(());
                }
            }
        }
        sleep(pause).await;
    }
}

async fn read_some(stream: &mut TcpStream, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    while read.len() < bytes {
        match timeout(Duration::from_millis(200), stream.read(&mut piece)).await {
            Ok(Ok(0)) | Err(_) => break,
            Ok(count) => read.extend_from_slice(&piece[..count?]),
        }
    }
    Ok(read)
}

/// A request up to the last boundary of its multipart body; other requests until they pause.
async fn read_request(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let piece = read_some(client, 1).await?;
        request.extend_from_slice(&piece);
        let is_upload = request.starts_with(b"POST /upload-to-dataset");
        if !is_upload && piece.is_empty() || request.ends_with(b"--\r\n") {
            return Ok(request);
        }
        if piece.is_empty() && client.try_write(b"").is_err() {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
    }
}

async fn respond(client: &mut TcpStream, answer: &str) -> std::io::Result<()> {
    let answer = format!("HTTP/1.1 {answer}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}");
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await?;
    // Read on for a moment: a reset would take the answer with it.
    read_some(client, usize::MAX).await?;
    Ok(())
}
