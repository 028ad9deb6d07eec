//! Frames on a stream: varint length, then the frame.

use std::io::{self, ErrorKind};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::frame::{Frame, FrameError, Hello, MAX_FRAME, VERSION};

/// Why a stream ended before its time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("stream broke: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("{0}")]
    Protocol(&'static str),
    #[error("no progress for too long")]
    Timeout,
}

/// Reads the bytes of one frame; `None` at the end of the stream.
pub(crate) async fn read_bytes(io: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<u8>>, WireError> {
    let Some(length) = read_length(io).await? else { return Ok(None) };
    if length > MAX_FRAME as u64 {
        return Err(FrameError::TooLarge(length).into());
    }
    let mut bytes = vec![0; length as usize];
    io.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

/// Reads one frame; the end of the stream is an error.
pub(crate) async fn read(io: &mut (impl AsyncRead + Unpin)) -> Result<Frame, WireError> {
    let bytes = read_bytes(io).await?.ok_or(io::Error::from(ErrorKind::UnexpectedEof))?;
    Ok(Frame::decode(&bytes)?)
}

/// Writes one frame and flushes.
pub(crate) async fn write(io: &mut (impl AsyncWrite + Unpin), frame: Frame) -> io::Result<()> {
    write_body(io, &frame.encode()).await
}

/// Writes one encoded frame and flushes.
pub(crate) async fn write_body(io: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(body.len() + 4);
    let mut rest = body.len();
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend_from_slice(body);
    io.write_all(&bytes).await?;
    io.flush().await
}

/// Says `ours` and hears the other side's hello, which must speak our version in our network.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(io: &mut S, ours: Hello) -> Result<Hello, WireError> {
    let net = ours.net.clone();
    write(io, Frame::Hello(ours)).await?;
    match read(io).await? {
        Frame::Hello(theirs) if theirs.version != VERSION => {
            Err(WireError::Protocol("another version of the protocol"))
        }
        Frame::Hello(theirs) if theirs.net != net => Err(WireError::Protocol("another network")),
        Frame::Hello(theirs) => Ok(theirs),
        Frame::Err(_) => Err(WireError::Protocol("refused before hello")),
        _ => Err(WireError::Protocol("first frame is not a hello")),
    }
}

/// A varint of at most three bytes: more is over the limit anyway.
async fn read_length(io: &mut (impl AsyncRead + Unpin)) -> Result<Option<u64>, WireError> {
    let mut length = 0;
    for shift in [0, 7, 14] {
        let mut byte = [0];
        if io.read(&mut byte).await? == 0 {
            let clean = shift == 0;
            return if clean { Ok(None) } else { Err(io::Error::from(ErrorKind::UnexpectedEof).into()) };
        }
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            let shortest = shift == 0 || byte[0] != 0;
            return if shortest { Ok(Some(length)) } else { Err(FrameError::NotCanonical.into()) };
        }
    }
    Err(FrameError::TooLarge(length).into())
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    #[test]
    fn frames_there_and_back() {
        for size in [0, 100, 127, 128, 20_000, MAX_FRAME - 100] {
            let frame = Frame::Part { seq: 1, at: 0, data: vec![7; size] };
            let mut io = Cursor::new(Vec::new());
            block_on(write(&mut io, frame.clone())).unwrap();
            io.set_position(0);
            assert_eq!(block_on(read(&mut io)).unwrap(), frame);
            assert!(block_on(read_bytes(&mut io)).unwrap().is_none());
        }
    }

    #[test]
    fn lengths_are_checked_before_anything_is_allocated() {
        let cases: &[&[u8]] = &[
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xff, 0xff, 0x7f],
            &[0x80, 0],
            &[0x80],
            &[5, 1, 2],
        ];
        for bytes in cases {
            assert!(block_on(read_bytes(&mut Cursor::new(bytes))).is_err(), "{bytes:x?}");
        }
    }
}
