//! `read`, `write` and their kin.
//!
//! Bytes pass through a buffer of xlat: the kernel never sees guest addresses, and pages whose code is translated need
//! no special care but that of `Space::write`. A transfer that meets inaccessible memory is cut there, as the kernel
//! cuts it.

use super::{Call, Leave, Reply};
use crate::abi::word;
use crate::errno::{EINVAL, EPIPE, Errno};
use crate::kernel;
use crate::signals::Signal;
use translator::ir::Access;

/// The most that Linux transfers with one call.
const MAX_TRANSFER: u64 = 0x7fff_f000;

/// Most pieces of a vector.
const MAX_PIECES: u64 = 1024;

/// A part of guest memory.
#[derive(Clone, Copy)]
struct Piece {
    addr: u64,
    length: u64,
}

pub(super) fn read(call: &mut Call<'_>) -> Reply {
    let piece = Piece { addr: call.args[1], length: call.args[2].min(MAX_TRANSFER) };
    transfer(call, Access::Write, &[piece], None)
}

pub(super) fn write(call: &mut Call<'_>) -> Reply {
    let piece = Piece { addr: call.args[1], length: call.args[2].min(MAX_TRANSFER) };
    transfer(call, Access::Read, &[piece], None)
}

pub(super) fn pread64(call: &mut Call<'_>) -> Reply {
    let piece = Piece { addr: call.args[1], length: call.args[2].min(MAX_TRANSFER) };
    transfer(call, Access::Write, &[piece], Some(call.args[3]))
}

pub(super) fn pwrite64(call: &mut Call<'_>) -> Reply {
    let piece = Piece { addr: call.args[1], length: call.args[2].min(MAX_TRANSFER) };
    transfer(call, Access::Read, &[piece], Some(call.args[3]))
}

pub(super) fn readv(call: &mut Call<'_>) -> Reply {
    let pieces = vector(call)?;
    transfer(call, Access::Write, &pieces, None)
}

pub(super) fn writev(call: &mut Call<'_>) -> Reply {
    let pieces = vector(call)?;
    transfer(call, Access::Read, &pieces, None)
}

pub(super) fn preadv(call: &mut Call<'_>) -> Reply {
    let pieces = vector(call)?;
    transfer(call, Access::Write, &pieces, Some(call.args[3]))
}

pub(super) fn pwritev(call: &mut Call<'_>) -> Reply {
    let pieces = vector(call)?;
    transfer(call, Access::Read, &pieces, Some(call.args[3]))
}

/// `sendfile`: through a buffer, a part at a time.
pub(super) fn sendfile(call: &mut Call<'_>) -> Reply {
    let [out, from, offset_addr, count, ..] = call.args;
    let mut offset = call.read_optional::<8>(offset_addr)?.map(u64::from_le_bytes);
    let mut buffer = vec![0; count.min(1 << 16) as usize];
    let mut sent = 0;
    while sent < count.min(MAX_TRANSFER) {
        let part = ((count - sent) as usize).min(buffer.len());
        // With bytes already sent, an error shows only on the next call.
        let got = match call.block(|gate| kernel::read(gate, from as i32, &mut buffer[..part], offset)) {
            Ok(got) => got,
            Err(leave) if sent == 0 => return Err(leave),
            Err(_) => break,
        };
        if got == 0 {
            break;
        }
        let done = match call.block(|gate| kernel::write(gate, out as i32, &buffer[..got as usize], None)) {
            Ok(done) => done,
            Err(leave) if sent == 0 => return Err(broken_pipe(call, leave)),
            Err(_) => break,
        };
        sent += done;
        if let Some(offset) = &mut offset {
            *offset += done;
        }
        if done < got {
            break;
        }
    }
    if let Some(offset) = offset {
        call.write(offset_addr, &offset.to_le_bytes())?;
    }
    Ok(sent)
}

pub(super) fn getrandom(call: &mut Call<'_>) -> Reply {
    let [addr, length, flags, ..] = call.args;
    let length = call.process.space().writable(addr, length.min(MAX_TRANSFER));
    if length == 0 && call.args[1] > 0 {
        return Err(crate::errno::EFAULT.into());
    }
    let mut bytes = vec![0; length as usize];
    let count = kernel::getrandom(&mut bytes, flags as u32)?;
    call.write(addr, &bytes[..count])?;
    Ok(count as u64)
}

/// The pieces of a `struct iovec` array (arguments 1 and 2).
fn vector(call: &Call<'_>) -> Result<Vec<Piece>, Errno> {
    let (addr, count) = (call.args[1], call.args[2]);
    if count > MAX_PIECES {
        return Err(EINVAL);
    }
    let bytes = call.read_bytes(addr, count as usize * 16)?;
    let mut left = MAX_TRANSFER;
    bytes
        .chunks_exact(16)
        .map(|piece| {
            if word(piece, 1) > i64::MAX as u64 {
                return Err(EINVAL);
            }
            let length = word(piece, 1).min(left);
            left -= length;
            Ok(Piece { addr: word(piece, 0), length })
        })
        .collect()
}

/// Reads into (`Access::Write`) or writes from (`Access::Read`) the pieces. `access` is what happens to guest memory.
fn transfer(call: &mut Call<'_>, access: Access, pieces: &[Piece], offset: Option<u64>) -> Reply {
    let fd = call.int(0);
    let asked: u64 = pieces.iter().map(|piece| piece.length).sum();
    let mut good = 0;
    for piece in pieces {
        let space = call.process.space();
        let accessible = match access {
            Access::Write => space.writable(piece.addr, piece.length),
            _ => space.readable(piece.addr, piece.length),
        };
        good += accessible;
        if accessible < piece.length {
            break;
        }
    }
    if good == 0 && asked > 0 {
        return call
            .block(|gate| kernel::transfer_nothing(gate, fd, asked, access == Access::Read, offset))
            .map_err(|leave| broken_pipe(call, leave));
    }
    // Zeroed lazily by the allocator, so that a huge buffer for a short read costs nothing.
    let mut buffer = vec![0; good as usize];
    match access {
        Access::Write => {
            let count = call.block(|gate| kernel::read(gate, fd, &mut buffer, offset))?;
            let mut rest = &buffer[..count as usize];
            for piece in pieces {
                let (part, behind) = rest.split_at((piece.length as usize).min(rest.len()));
                call.write(piece.addr, part)?;
                rest = behind;
            }
            Ok(count)
        }
        _ => {
            let mut at = 0;
            for piece in pieces {
                let length = (piece.length as usize).min(buffer.len() - at);
                call.process.space().read(piece.addr, &mut buffer[at..at + length])?;
                at += length;
            }
            call.block(|gate| kernel::write(gate, fd, &buffer, offset))
                .map_err(|leave| broken_pipe(call, leave))
        }
    }
}

/// A write that nobody will read also raises SIGPIPE, which xlat itself ignores.
fn broken_pipe(call: &mut Call<'_>, leave: Leave) -> Leave {
    if leave == Leave::Errno(EPIPE) {
        call.thread.signals.pending |= Signal::PIPE.bit();
    }
    leave
}
