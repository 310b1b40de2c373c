//! Every AArch64 encoding lifts to IR that the verifier accepts.

use decoders::aarch64::{decode_word, rows};
use tests::random::Random;
use translator::guest::Guest;
use translator::ir::verify;
use translator::lift::{Bytes, LiftOptions, lift_block};

#[test]
fn every_row_lifts_to_ir_that_holds_together() {
    let mut random = Random::new(5);
    let mut faults = Vec::new();
    for row in rows() {
        for _ in 0..100 {
            let word = row.value | random.u32() & !row.mask;
            let Ok(insn) = decode_word(word) else { continue };
            let bytes = word.to_le_bytes();
            let code = Bytes { start: 0x1000, bytes: &bytes };
            let block = lift_block(Guest::Aarch64, &code, 0x1000, &LiftOptions::default()).expect("code");
            if let Err(error) = verify::verify(&block) {
                let block = block.lines().join("\n");
                faults.push(format!("{word:#010x} {}: {error:?}\n{block}", insn.row().name));
                break;
            }
        }
    }
    assert!(faults.is_empty(), "{} rows: {}", faults.len(), faults[..faults.len().min(10)].join("\n"));
}
