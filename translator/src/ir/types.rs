//! Value types and the small attribute types that ops carry.

use std::fmt;

/// Declares an attribute enum whose variants have a fixed spelling in the text form.
macro_rules! named {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The spelling in the text form.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The variant of a spelling.
            pub fn from_name(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.name()) }
        }
    };
}

named! {
    /// The type of an SSA value.
    ///
    /// Integers carry no sign: ops do. A 256-bit guest register is two `V128`.
    pub enum Type {
        /// One bit: conditions, carries, flags. Stored in a slot as a byte, 0 or 1.
        I1 = "i1",
        /// 8 bits.
        I8 = "i8",
        /// 16 bits.
        I16 = "i16",
        /// 32 bits.
        I32 = "i32",
        /// 64 bits.
        I64 = "i64",
        /// 128 bits: pairs for wide atomics; built with `concat`, taken apart with `low` and `high`.
        I128 = "i128",
        /// IEEE binary16.
        F16 = "f16",
        /// bfloat16.
        Bf16 = "bf16",
        /// IEEE binary32.
        F32 = "f32",
        /// IEEE binary64.
        F64 = "f64",
        /// 128 bits of lanes; the op says how they are cut. Lane 0 is the least significant.
        V128 = "v128",
    }
}

impl Type {
    /// Size in memory and in a slot, in bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Type::I1 | Type::I8 => 1,
            Type::I16 | Type::F16 | Type::Bf16 => 2,
            Type::I32 | Type::F32 => 4,
            Type::I64 | Type::F64 => 8,
            Type::I128 | Type::V128 => 16,
        }
    }

    /// Number of value bits.
    pub const fn bits(self) -> u32 {
        match self {
            Type::I1 => 1,
            other => other.bytes() * 8,
        }
    }

    /// Mask of the value bits.
    pub const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }

    /// I1 to I64: what integer arithmetic works on.
    pub const fn is_int(self) -> bool {
        matches!(self, Type::I1 | Type::I8 | Type::I16 | Type::I32 | Type::I64)
    }

    /// A scalar float type.
    pub const fn is_float(self) -> bool {
        matches!(self, Type::F16 | Type::Bf16 | Type::F32 | Type::F64)
    }

    /// The integer type of `bytes` bytes (1, 2, 4, 8 or 16).
    pub const fn int_of_bytes(bytes: u32) -> Type {
        match bytes {
            1 => Type::I8,
            2 => Type::I16,
            4 => Type::I32,
            8 => Type::I64,
            16 => Type::I128,
            _ => panic!("no integer type of that size"),
        }
    }
}

named! {
    /// How a 128-bit vector is cut into integer lanes.
    pub enum Lane {
        /// 16 lanes of 8 bits.
        B8 = "b8",
        /// 8 lanes of 16 bits.
        B16 = "b16",
        /// 4 lanes of 32 bits.
        B32 = "b32",
        /// 2 lanes of 64 bits.
        B64 = "b64",
    }
}

impl Lane {
    /// Bits a lane.
    pub const fn bits(self) -> u32 {
        match self {
            Lane::B8 => 8,
            Lane::B16 => 16,
            Lane::B32 => 32,
            Lane::B64 => 64,
        }
    }

    /// Lanes a vector.
    pub const fn count(self) -> u32 {
        128 / self.bits()
    }

    /// The scalar integer type of a lane.
    pub const fn ty(self) -> Type {
        Type::int_of_bytes(self.bits() / 8)
    }

    /// The lane of half the width.
    pub const fn half(self) -> Option<Lane> {
        match self {
            Lane::B8 => None,
            Lane::B16 => Some(Lane::B8),
            Lane::B32 => Some(Lane::B16),
            Lane::B64 => Some(Lane::B32),
        }
    }

    /// The lane of twice the width.
    pub const fn double(self) -> Option<Lane> {
        match self {
            Lane::B8 => Some(Lane::B16),
            Lane::B16 => Some(Lane::B32),
            Lane::B32 => Some(Lane::B64),
            Lane::B64 => None,
        }
    }
}

named! {
    /// How a 128-bit vector is cut into float lanes.
    pub enum FloatLane {
        /// 8 lanes of binary16.
        F16 = "f16x8",
        /// 4 lanes of binary32.
        F32 = "f32x4",
        /// 2 lanes of binary64.
        F64 = "f64x2",
    }
}

impl FloatLane {
    /// The scalar type of a lane.
    pub const fn ty(self) -> Type {
        match self {
            FloatLane::F16 => Type::F16,
            FloatLane::F32 => Type::F32,
            FloatLane::F64 => Type::F64,
        }
    }

    /// The integer lanes of the same width.
    pub const fn bits(self) -> Lane {
        match self {
            FloatLane::F16 => Lane::B16,
            FloatLane::F32 => Lane::B32,
            FloatLane::F64 => Lane::B64,
        }
    }
}

named! {
    /// Integer comparison.
    pub enum Cond {
        /// Equal.
        Eq = "eq",
        /// Not equal.
        Ne = "ne",
        /// Signed less than.
        Slt = "slt",
        /// Signed less than or equal.
        Sle = "sle",
        /// Signed greater than.
        Sgt = "sgt",
        /// Signed greater than or equal.
        Sge = "sge",
        /// Unsigned less than.
        Ult = "ult",
        /// Unsigned less than or equal.
        Ule = "ule",
        /// Unsigned greater than.
        Ugt = "ugt",
        /// Unsigned greater than or equal.
        Uge = "uge",
    }
}

named! {
    /// Float comparison. A NaN operand makes every relation false but `Unordered` and `NotEqual`.
    pub enum FloatCond {
        /// Equal.
        Equal = "eq",
        /// Not equal or unordered.
        NotEqual = "ne",
        /// Less than.
        Less = "lt",
        /// Less than or equal.
        LessEqual = "le",
        /// Greater than.
        Greater = "gt",
        /// Greater than or equal.
        GreaterEqual = "ge",
        /// At least one operand is a NaN.
        Unordered = "un",
    }
}

named! {
    /// Which NaN operands of a comparison raise the invalid flag.
    pub enum Quietness {
        /// Only signalling NaNs.
        Quiet = "quiet",
        /// Every NaN.
        Signaling = "signaling",
    }
}

named! {
    /// Rounding of one float op.
    pub enum Round {
        /// As the floating-point environment (the `fp_env` slot) says.
        Current = "current",
        /// To nearest, ties to even.
        NearestEven = "rne",
        /// Towards zero.
        TowardZero = "rtz",
        /// Towards minus infinity.
        Down = "rdn",
        /// Towards plus infinity.
        Up = "rup",
        /// To nearest, ties away from zero.
        NearestAway = "rna",
        /// To odd (Arm's FCVTXN).
        Odd = "odd",
    }
}

named! {
    /// The rule of a float minimum or maximum.
    pub enum MinMaxRule {
        /// IEEE 754-2019 minimumNumber and maximumNumber, -0 below +0 (RISC-V `fmin`, `fmax`).
        Number = "number",
        /// NaNs propagate, -0 below +0 (Arm FMIN, FMAX).
        Propagate = "propagate",
        /// IEEE 754-2008 minNum and maxNum: a quiet NaN loses against a number (Arm FMINNM, FMAXNM).
        Num2008 = "num2008",
        /// The second operand if either is a NaN or both are zero (x86 MINSS, MAXSS).
        Second = "second",
    }
}

named! {
    /// What a float to integer conversion gives for NaNs and for values outside the range.
    pub enum InvalidInt {
        /// Saturates; a NaN gives the largest value (RISC-V).
        NanMax = "nan_max",
        /// Saturates; a NaN gives zero (Arm).
        NanZero = "nan_zero",
        /// The most negative value (x86's integer indefinite).
        Indefinite = "indefinite",
    }
}

named! {
    /// Signedness of an op that needs it and has no pair of names.
    pub enum Sign {
        /// Two's complement.
        Signed = "signed",
        /// Unsigned.
        Unsigned = "unsigned",
    }
}

named! {
    /// Memory order of one access.
    pub enum Order {
        /// No order but that of dependencies and of the same address (RISC-V, AArch64 plain accesses).
        Plain = "plain",
        /// Load acquire, ordered after earlier store releases (RCsc).
        Acquire = "acquire",
        /// Load acquire, not ordered after earlier store releases (RCpc: LDAPR).
        AcquirePc = "acquire_pc",
        /// Store release.
        Release = "release",
        /// Both acquire and release (atomics).
        AcquireRelease = "acq_rel",
        /// x86's total store order: loads in order, stores in order, a store may pass later loads.
        Tso = "tso",
        /// Sequentially consistent.
        SeqCst = "seq_cst",
    }
}

named! {
    /// Which earlier (or later) accesses a fence orders.
    pub enum FenceSet {
        /// Loads.
        Read = "r",
        /// Stores.
        Write = "w",
        /// Loads and stores.
        ReadWrite = "rw",
    }
}

named! {
    /// The operation of an atomic read-modify-write.
    pub enum RmwOp {
        /// New value as it is.
        Exchange = "xchg",
        /// Sum.
        Add = "add",
        /// Difference old - operand.
        Sub = "sub",
        /// And.
        And = "and",
        /// And with the complement of the operand (Arm LDCLR).
        AndNot = "andnot",
        /// Or.
        Or = "or",
        /// Exclusive or.
        Xor = "xor",
        /// Signed minimum.
        Smin = "smin",
        /// Signed maximum.
        Smax = "smax",
        /// Unsigned minimum.
        Umin = "umin",
        /// Unsigned maximum.
        Umax = "umax",
    }
}

named! {
    /// Kind of a memory access, for probes and faults.
    pub enum Access {
        /// Load.
        Read = "read",
        /// Store, and every atomic read-modify-write.
        Write = "write",
        /// Instruction fetch.
        Fetch = "fetch",
    }
}

named! {
    /// Why guest code leaves the translator: the reason of an exit that an op or a terminator raises.
    pub enum Trap {
        /// The guest's illegal-instruction exception (x86 #UD).
        Illegal = "illegal",
        /// A valid instruction that xlat does not translate; the guest sees its illegal-instruction exception.
        Unsupported = "unsupported",
        /// The guest's breakpoint instruction (`ebreak`, `brk`, `int3`).
        Breakpoint = "breakpoint",
        /// Integer division error (x86 #DE).
        DivideError = "divide_error",
        /// An unmasked floating-point exception (x86 #XM, trapping modes).
        FloatError = "float_error",
        /// An access that must be aligned and is not; the address is the op's operand.
        Misaligned = "misaligned",
        /// x86 #GP(0): non-canonical address, misaligned SSE operand.
        GeneralProtection = "general_protection",
        /// A privileged or halting instruction (x86 `hlt` in user mode raises #GP; bare machines halt).
        Halt = "halt",
    }
}

named! {
    /// A question to the world outside of guest state; `a` and `b` are its operands.
    pub enum EnvCall {
        /// Nanosecond-scale time counter in ticks of the guest's counter frequency (`rdtime`, CNTVCT_EL0, `rdtsc`).
        Counter = "counter",
        /// Instructions retired as far as they are counted, else a monotonic stand-in (`instret`).
        Retired = "retired",
        /// CPUID leaf `a`, subleaf `b`: eax in bits 31:0, ebx in 63:32.
        CpuidAb = "cpuid_ab",
        /// CPUID leaf `a`, subleaf `b`: ecx in bits 31:0, edx in 63:32.
        CpuidCd = "cpuid_cd",
        /// Invalidate translations of the line of `b` bytes that holds guest address `a` (`ic ivau`); `b` = 0: all (`fence.i`).
        InvalidateCode = "invalidate_code",
    }
}

named! {
    /// What is known about the target of an indirect jump; a hint, never needed for correctness.
    pub enum Hint {
        /// A call: the return address was just written.
        Call = "call",
        /// A return.
        Return = "return",
        /// Anything else.
        Other = "other",
    }
}

named! {
    /// How a vector lane is narrowed.
    pub enum NarrowMode {
        /// Low half of the bits.
        Truncate = "trunc",
        /// Signed lane to signed range.
        Signed = "sat_s",
        /// Signed lane to unsigned range.
        SignedToUnsigned = "sat_su",
        /// Unsigned lane to unsigned range.
        Unsigned = "sat_u",
    }
}

named! {
    /// How lanes are combined pairwise or across a vector.
    pub enum LaneOp {
        /// Wrapping sum.
        Add = "add",
        /// Signed minimum.
        Smin = "smin",
        /// Signed maximum.
        Smax = "smax",
        /// Unsigned minimum.
        Umin = "umin",
        /// Unsigned maximum.
        Umax = "umax",
    }
}

named! {
    /// One-operand estimates.
    pub enum EstimateOp {
        /// FRECPE: reciprocal estimate.
        Reciprocal = "recpe",
        /// FRSQRTE: reciprocal square root estimate.
        ReciprocalSqrt = "rsqrte",
        /// FRECPX: reciprocal exponent.
        ReciprocalExponent = "recpx",
        /// RCPSS, RCPPS: x86's reciprocal estimate; raises nothing.
        X86Reciprocal = "rcp",
        /// RSQRTSS, RSQRTPS: x86's reciprocal square root estimate; raises nothing.
        X86ReciprocalSqrt = "rsqrt",
    }
}

named! {
    /// Arm's two-operand products with special cases.
    pub enum StepOp {
        /// FRECPS: 2 - a * b.
        Reciprocal = "recps",
        /// FRSQRTS: (3 - a * b) / 2.
        ReciprocalSqrt = "rsqrts",
        /// FMULX: a * b, with 0 * inf = 2.
        MultiplyExtended = "mulx",
    }
}

named! {
    /// The x87's operations on 80-bit values.
    pub enum X87Op {
        /// Sum.
        Add = "add",
        /// Difference.
        Sub = "sub",
        /// Product.
        Mul = "mul",
        /// Quotient.
        Div = "div",
        /// Square root of `a`.
        Sqrt = "sqrt",
        /// `a` times 2 to the truncated `b`.
        Scale = "scale",
        /// FPREM: truncating remainder, in steps.
        Remainder = "rem",
        /// FPREM1: remainder of the nearest quotient, in steps.
        RemainderNearest = "rem1",
        /// FRNDINT: rounded to an integral value.
        RoundIntegral = "rndint",
        /// FXTRACT: the exponent of `a`.
        Exponent = "exponent",
        /// FXTRACT: the significand of `a`.
        Significand = "significand",
        /// FCOM: C3, C2, C0; the value is zero.
        Compare = "com",
        /// FUCOM: likewise; quiet NaNs are no error.
        CompareQuiet = "ucom",
        /// FXAM: class and sign in C3 to C0; the value is zero.
        Examine = "xam",
        /// FSIN: sine; from 2^63 on C2 and `a` itself.
        Sin = "sin",
        /// FCOS: cosine; likewise.
        Cos = "cos",
        /// FPTAN: tangent; likewise.
        Tan = "tan",
        /// FPATAN: angle of the point (`a`, `b`).
        Atan = "atan",
        /// F2XM1: 2^`a` - 1.
        Exp2Minus1 = "2xm1",
        /// FYL2X: `b` times the binary logarithm of `a`.
        YLog2X = "yl2x",
        /// FYL2XP1: `b` times the binary logarithm of `a` + 1.
        YLog2XPlus1 = "yl2xp1",
        /// FBLD: from 18 packed decimal digits and a sign.
        FromBcd = "from_bcd",
        /// FBSTP: to 18 packed decimal digits and a sign.
        ToBcd = "to_bcd",
        /// From a single in the low bits; a signalling NaN is quieted and invalid.
        FromF32 = "from_f32",
        /// From a double in the low bits; likewise.
        FromF64 = "from_f64",
        /// From a single for an operation that takes it from memory: a NaN stays signalling, and bit 81 (a denormal) is for that
        /// operation to see.
        OperandF32 = "operand_f32",
        /// From a double; likewise.
        OperandF64 = "operand_f64",
        /// From a signed integer in the low bits.
        FromI64 = "from_i64",
        /// To a single.
        ToF32 = "to_f32",
        /// To a double.
        ToF64 = "to_f64",
        /// To a 16-bit integer.
        ToI16 = "to_i16",
        /// To a 32-bit integer.
        ToI32 = "to_i32",
        /// To a 64-bit integer.
        ToI64 = "to_i64",
        /// FISTTP: truncated to a 16-bit integer.
        TruncateI16 = "trunc_i16",
        /// FISTTP: truncated to a 32-bit integer.
        TruncateI32 = "trunc_i32",
        /// FISTTP: truncated to a 64-bit integer.
        TruncateI64 = "trunc_i64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_cover_the_value_bits() {
        assert_eq!(Type::I1.mask(), 1);
        assert_eq!(Type::I64.mask(), u64::MAX as u128);
        assert_eq!(Type::V128.mask(), u128::MAX);
    }

    #[test]
    fn names_are_unique_and_parse_back() {
        for ty in Type::ALL {
            assert_eq!(Type::from_name(ty.name()), Some(*ty));
        }
        for order in Order::ALL {
            assert_eq!(Order::from_name(order.name()), Some(*order));
        }
    }
}
