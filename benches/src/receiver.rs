//! A neutral receiver for the comparison of clients: it speaks as much of the API as an upload
//! needs, reads bodies, and keeps nothing of them but the names of the files.
//!
//! `receiver BYTES_PER_SECOND ANSWER_AFTER_MS` prints its URL and serves until it is killed. The
//! rate is that of each connection, 0 for no limit. A file is taken when its last byte has come;
//! its answer goes out so many milliseconds later, whatever other connections do.

use std::{
    env,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

const HEAD_BYTES: usize = 16 * 1024;
/// Read at once. Small, so that the copy stays in the processor's cache (256 KiB cost a quarter
/// more), and a sender feels the pace at once.
const READ_BYTES: usize = 64 * 1024;
/// A paced connection may be so far ahead: else a short read would be held up by the timer, too.
const BURST_BYTES: usize = 16 * 1024;
/// Where the name of a file stands in a body.
const NAME_WITHIN: usize = 1024;

struct Receiver {
    bytes_per_second: u32,
    answer_after: Duration,
    /// In the order in which they were complete.
    file_names: Mutex<Vec<String>>,
}

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse().unwrap_or(0));
    let receiver = Arc::new(Receiver {
        bytes_per_second: arguments.next().unwrap_or(0),
        answer_after: Duration::from_millis(arguments.next().unwrap_or(0).into()),
        file_names: Mutex::default(),
    });
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    if receiver.bytes_per_second > 0 {
        // Connections inherit it.
        socket.set_recv_buffer_size(READ_BYTES)?;
    }
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(1024)?;
    let listener = TcpListener::from(socket);
    println!("http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let (stream, receiver) = (stream?, Arc::clone(&receiver));
        // A client that hangs up is no concern of the others.
        thread::spawn(move || receiver.serve(stream));
    }
    Ok(())
}

/// The start of a request.
struct Head {
    path: String,
    body_bytes: usize,
    expects_continue: bool,
}

impl Receiver {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; READ_BYTES];
        let mut pace = Pace::new(self.bytes_per_second);
        while let Some((head, begun)) = read_head(&mut stream, &mut buffer)? {
            if head.expects_continue && begun < head.body_bytes {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let name = read_body(&mut stream, &mut buffer, begun, head.body_bytes, &mut pace)?;
            let answer = self.answer(&head.path, name).to_string();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{answer}",
                answer.len()
            )?;
        }
        Ok(())
    }

    fn answer(&self, path: &str, name: Option<String>) -> Value {
        match (path.rsplit('/').next(), name) {
            (Some("upload-to-dataset"), Some(name)) => {
                let position = {
                    let mut names = self.file_names.lock().unwrap();
                    names.push(name);
                    names.len()
                };
                thread::sleep(self.answer_after);
                json!({"file_id": format!("file_{position}")})
            }
            (Some("create-dataset"), _) => json!({"dataset_id": "dataset-1"}),
            (Some("list-dataset-files"), _) => {
                let names = self.file_names.lock().unwrap();
                let files = names.iter().map(|name| json!({"file_name": name}));
                json!({"files": files.collect::<Vec<_>>()})
            }
            (Some("try-authentication"), _) => json!({"authenticated": true}),
            _ => json!({"error": "not a call of the receiver"}),
        }
    }
}

/// Reads a body, of which `filled` bytes have come; returns the name of the file in it.
fn read_body(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    mut filled: usize,
    length: usize,
    pace: &mut Pace,
) -> io::Result<Option<String>> {
    while filled < length.min(NAME_WITHIN) {
        filled += read_some(stream, &mut buffer[filled..])?;
    }
    let name = file_name(&buffer[..filled.min(NAME_WITHIN)]);
    pace.keep(filled);
    let mut left = length - filled;
    while left > 0 {
        let most = left.min(buffer.len());
        let count = read_some(stream, &mut buffer[..most])?;
        left -= count;
        pace.keep(count);
    }
    Ok(name)
}

/// A token bucket.
struct Pace {
    bytes_per_second: u32,
    due: Instant,
}

impl Pace {
    fn new(bytes_per_second: u32) -> Self {
        Self { bytes_per_second, due: Instant::now() }
    }

    /// Waits until so many bytes more may have come.
    fn keep(&mut self, bytes: usize) {
        if self.bytes_per_second == 0 {
            return;
        }
        let time = |bytes| Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_per_second));
        let now = Instant::now();
        // What was not used of the rate while nothing came is lost, but for a burst.
        self.due = self.due.max(now - time(BURST_BYTES)) + time(bytes);
        thread::sleep(self.due.saturating_duration_since(now));
    }
}

/// Reads the head of a request; what came of its body is moved to the start of the buffer, and
/// counted. `None` where the client is done.
fn read_head(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<(Head, usize)>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..HEAD_BYTES])?;
        if count == 0 {
            return Ok(None);
        }
        filled += count;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) =
            request.parse(&buffer[..filled]).map_err(invalid)?
        {
            let head = Head::of(&request);
            buffer.copy_within(length..filled, 0);
            return Ok(Some((head, filled - length)));
        }
    }
}

impl Head {
    fn of(request: &httparse::Request) -> Self {
        let value = |name: &str| {
            let header = request.headers.iter().find(|it| it.name.eq_ignore_ascii_case(name))?;
            str::from_utf8(header.value).ok()
        };
        Self {
            path: request.path.unwrap_or_default().to_owned(),
            // All clients that are compared declare the length.
            body_bytes: value("content-length").and_then(|it| it.parse().ok()).unwrap_or(0),
            expects_continue: value("expect").is_some(),
        }
    }
}

fn read_some(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match stream.read(buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(count),
    }
}

fn file_name(start: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(start);
    let (_, rest) = start.split_once("filename=\"")?;
    let (name, _) = rest.split_once('"')?;
    Some(name.to_owned())
}
