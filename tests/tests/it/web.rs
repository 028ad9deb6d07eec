//! A web server of this process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Starts one at a free port of the loopback address, which is returned. It answers requests with what it was asked, `/missing` with 404,
/// `/moved` with a redirect, `/large` with 24 MiB, `/never` not at all.
pub(crate) fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || serve(listener));
    port
}

fn serve(listener: TcpListener) {
    fn answer(mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line == "\r\n" {
                break;
            }
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap_or(0);
            }
            head.push(line.trim_end().to_owned());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let line = head.first().cloned().unwrap_or_default();
        let status = if line.contains("/missing") { "404 Not Found" } else { "200 OK" };
        let tea = head.iter().find(|line| line.to_ascii_lowercase().starts_with("x-tea:")).cloned().unwrap_or_default();
        let seen = match line.split(' ').nth(1) {
            Some("/large") => "x".repeat(24 << 20),
            Some("/never") => return stream.read(&mut [0]).map(drop),
            _ => format!("{line}|{tea}|{}", String::from_utf8_lossy(&body)),
        };
        let moved = if line.contains("/moved") { "Location: /cup\r\n" } else { "" };
        let status = if moved.is_empty() { status } else { "302 Found" };
        let head =
            format!("HTTP/1.1 {status}\r\n{moved}X-Server: it\r\nContent-Length: {}\r\nConnection: close", seen.len());
        write!(stream, "{head}\r\n\r\n{seen}")
    }
    for stream in listener.incoming().flatten() {
        // A client that goes away is no matter of this test.
        std::thread::spawn(move || drop(answer(stream)));
    }
}
