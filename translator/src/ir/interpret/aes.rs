//! AES's substitution of bytes (FIPS 197, section 5.1.1).

/// The S-box: inverses in GF(2^8), then an affine map.
const FORWARD: [u8; 256] = {
    let mut table = [0; 256];
    // 3 generates the field's multiplicative group: `p` runs through its powers, `q` through their inverses.
    let (mut p, mut q) = (1u8, 1u8);
    loop {
        p ^= p << 1 ^ if p & 0x80 != 0 { 0x1b } else { 0 };
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 0x09;
        }
        let map = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
        table[p as usize] = map ^ 0x63;
        if p == 1 {
            break;
        }
    }
    table[0] = 0x63;
    table
};

const INVERSE: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[FORWARD[at] as usize] = at as u8;
        at += 1;
    }
    table
};

/// Each byte's value in the S-box or its inverse.
pub fn substitute(v: u128, inverse: bool) -> u128 {
    let table = if inverse { &INVERSE } else { &FORWARD };
    u128::from_le_bytes(v.to_le_bytes().map(|byte| table[usize::from(byte)]))
}
