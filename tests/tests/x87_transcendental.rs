//! The x87's transcendental instructions against this machine's processor. Processors are off by less than a unit of the last
//! place, ours is rounded correctly, so results may differ by one unit; flags and special values are the same.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use tests::native::{CODE, DATA_SIZE, Processor, State};
use tests::random::Random;
use translator::float::x87;

/// `fsin` and so on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Function {
    Sin,
    Cos,
    Tan,
    Atan,
    Exp,
    Log,
    LogPlusOne,
}

use Function::*;

impl Function {
    fn code(self) -> &'static [u8] {
        match self {
            Sin => &[0xd9, 0xfe],
            Cos => &[0xd9, 0xff],
            Tan => &[0xd9, 0xf2],
            Atan => &[0xd9, 0xf3],
            Exp => &[0xd9, 0xf0],
            Log => &[0xd9, 0xf1],
            LogPlusOne => &[0xd9, 0xf9],
        }
    }

    fn ours(self, a: u128, b: u128, control: u16) -> u128 {
        match self {
            Sin => x87::sin(a, control),
            Cos => x87::cos(a, control),
            Tan => x87::tan(a, control),
            Atan => x87::atan(a, b, control),
            Exp => x87::exp2_minus_1(a, control),
            Log => x87::y_log2_x(a, b, control),
            LogPlusOne => x87::y_log2_x_plus_1(a, b, control),
        }
    }

    /// Where the manual defines the result.
    fn is_defined(self, a: u128) -> bool {
        let exponent = (a >> 64) as i32 & 0x7fff;
        let special = exponent == 0x7fff;
        match self {
            Exp => special || exponent < 0x3fff || a << 49 == 0x3fff << 113 | 1 << 112,
            LogPlusOne => special || exponent < 0x3ffd,
            _ => true,
        }
    }

    /// The place of the result in the stack, as it is afterwards.
    fn place(self, pushed: bool) -> usize {
        usize::from(self == Tan && pushed)
    }
}

const CASES: u64 = 4_000;

fn number(random: &mut Random, function: Function, first: bool) -> u128 {
    const SPECIAL: [u128; 14] = [
        0,
        1 << 79,
        0x3fff_8000_0000_0000_0000,
        0xbfff_8000_0000_0000_0000,
        0x7fff_8000_0000_0000_0000,
        0xffff_8000_0000_0000_0000,
        0x7fff_c000_0000_0000_0001,
        0x7fff_a000_0000_0000_0000,
        0x403e_8000_0000_0000_0000,
        0x403d_ffff_ffff_ffff_ffff,
        0x3fff_c90f_daa2_2168_c235,
        0x4000_8000_0000_0000_0000,
        0x0001_8000_0000_0000_0000,
        0x4000_0000_0000_0000_0000,
    ];
    if random.below(8) == 0 {
        return SPECIAL[random.below(14) as usize];
    }
    let exponent = match function {
        Exp if first => 0x3ffe - random.below(70),
        LogPlusOne if first => 0x3ffc - random.below(70),
        _ => 0x3fff - 40 + random.below(100),
    };
    let significand = 1 << 63 | (random.u64() >> (random.below(2) * random.below(63)));
    u128::from(random.below(2)) << 79 | u128::from(exponent) << 64 | u128::from(significand)
}

/// Values of the extended format in order, for differences of neighbours.
fn rank(bits: u128) -> i128 {
    let magnitude = (bits & ((1 << 79) - 1)) as i128;
    if bits >> 79 & 1 != 0 { -magnitude } else { magnitude }
}

#[test]
fn results_are_the_processor_s_within_one_unit() {
    let mut processor = Processor::new();
    let mut random = Random::new(0x87);
    let mut data = Box::new([0; DATA_SIZE as usize]);
    let mut failures = Vec::new();
    for function in [Sin, Cos, Tan, Atan, Exp, Log, LogPlusOne] {
        let (mut compared, mut equal) = (0u64, 0u64);
        for _ in 0..CASES {
            let (a, b) = (number(&mut random, function, true), number(&mut random, function, false));
            if !function.is_defined(a) {
                continue;
            }
            // Rounding to nearest: in the other modes an error of the processor becomes a whole unit more often.
            let mut state = State {
                gpr: [0; 16],
                rflags: 0x202,
                rip: CODE,
                xmm: [0; 16],
                mxcsr: 0x1f80,
                fcw: 0x37f,
                fsw: 0,
                ftw: 0b11,
                st: [0; 8],
            };
            (state.st[0], state.st[1]) = (a, b);
            let (native, _) = processor.run(function.code(), &state, &mut data);
            let ours = function.ours(a, b, state.fcw);
            let (value, flags) = (ours & ((1 << 80) - 1), (ours >> 80) as u16);
            // C1 says how the last bit was rounded.
            let pushed = flags & x87::status::C2 == 0;
            let seen = native.st[function.place(pushed)];
            compared += 1;
            equal += u64::from(seen == value);
            // AMD's processors call some results inexact that are not: 2^1 - 1, y * log2(2).
            let exact = flags & x87::status::PRECISION == 0;
            let ignored = 0x3a00 | if exact { x87::status::PRECISION } else { 0 };
            let near = rank(seen).abs_diff(rank(value)) <= 1;
            if !near || (native.fsw ^ flags) & !ignored != 0 {
                failures.push(format!(
                    "{function:?} {a:020x} {b:020x}: processor {seen:020x} status {:04x}, ours {value:020x} {flags:04x}",
                    native.fsw
                ));
            }
        }
        println!("{function:?}: {equal} of {compared} equal");
        assert!(
            compared > CASES / 2 && equal * 100 > compared * 90,
            "{function:?}: {equal} of {compared} equal"
        );
    }
    assert!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        failures[..failures.len().min(30)].join("\n")
    );
}
