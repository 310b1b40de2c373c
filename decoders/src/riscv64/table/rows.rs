//! The rows. See the module above for the letters.

use super::{Extension, Row};

macro_rules! instructions {
    ($($extension:ident, $section:literal: { $($op:ident $name:literal $pattern:literal $operands:literal)* })*) => {
        /// A 32-bit instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op {
            $($(#[doc = concat!("`", $name, "`")] $op,)*)*
        }

        /// Every instruction, in the order of [`Op`].
        pub static ROWS: [Row; [$($($name),*),*].len()] = [$($(
            Row {
                op: Op::$op,
                name: $name,
                pattern: $pattern,
                operands: $operands,
                extension: Extension::$extension,
                section: $section,
            },
        )*)*];
    };
}

instructions! {
    I, "Integer Register-Immediate Instructions": {
        Addi       "addi"       "iiiiiiiiiiii aaaaa 000 ddddd 0010011"    "rd, rs1, imm"
        Slti       "slti"       "iiiiiiiiiiii aaaaa 010 ddddd 0010011"    "rd, rs1, imm"
        Sltiu      "sltiu"      "iiiiiiiiiiii aaaaa 011 ddddd 0010011"    "rd, rs1, imm"
        Andi       "andi"       "iiiiiiiiiiii aaaaa 111 ddddd 0010011"    "rd, rs1, imm"
        Ori        "ori"        "iiiiiiiiiiii aaaaa 110 ddddd 0010011"    "rd, rs1, imm"
        Xori       "xori"       "iiiiiiiiiiii aaaaa 100 ddddd 0010011"    "rd, rs1, imm"
        Slli       "slli"       "000000 hhhhhh aaaaa 001 ddddd 0010011"   "rd, rs1, imm"
        Srli       "srli"       "000000 hhhhhh aaaaa 101 ddddd 0010011"   "rd, rs1, imm"
        Srai       "srai"       "010000 hhhhhh aaaaa 101 ddddd 0010011"   "rd, rs1, imm"
        Lui        "lui"        "uuuuuuuuuuuuuuuuuuuu ddddd 0110111"      "rd, upper"
        Auipc      "auipc"      "uuuuuuuuuuuuuuuuuuuu ddddd 0010111"      "rd, upper"
        Addiw      "addiw"      "iiiiiiiiiiii aaaaa 000 ddddd 0011011"    "rd, rs1, imm"
        Slliw      "slliw"      "0000000 wwwww aaaaa 001 ddddd 0011011"   "rd, rs1, imm"
        Srliw      "srliw"      "0000000 wwwww aaaaa 101 ddddd 0011011"   "rd, rs1, imm"
        Sraiw      "sraiw"      "0100000 wwwww aaaaa 101 ddddd 0011011"   "rd, rs1, imm"
    }
    I, "Integer Register-Register Operations": {
        Add        "add"        "0000000 bbbbb aaaaa 000 ddddd 0110011"   "rd, rs1, rs2"
        Slt        "slt"        "0000000 bbbbb aaaaa 010 ddddd 0110011"   "rd, rs1, rs2"
        Sltu       "sltu"       "0000000 bbbbb aaaaa 011 ddddd 0110011"   "rd, rs1, rs2"
        And        "and"        "0000000 bbbbb aaaaa 111 ddddd 0110011"   "rd, rs1, rs2"
        Or         "or"         "0000000 bbbbb aaaaa 110 ddddd 0110011"   "rd, rs1, rs2"
        Xor        "xor"        "0000000 bbbbb aaaaa 100 ddddd 0110011"   "rd, rs1, rs2"
        Sll        "sll"        "0000000 bbbbb aaaaa 001 ddddd 0110011"   "rd, rs1, rs2"
        Srl        "srl"        "0000000 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        Sub        "sub"        "0100000 bbbbb aaaaa 000 ddddd 0110011"   "rd, rs1, rs2"
        Sra        "sra"        "0100000 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        Addw       "addw"       "0000000 bbbbb aaaaa 000 ddddd 0111011"   "rd, rs1, rs2"
        Sllw       "sllw"       "0000000 bbbbb aaaaa 001 ddddd 0111011"   "rd, rs1, rs2"
        Srlw       "srlw"       "0000000 bbbbb aaaaa 101 ddddd 0111011"   "rd, rs1, rs2"
        Subw       "subw"       "0100000 bbbbb aaaaa 000 ddddd 0111011"   "rd, rs1, rs2"
        Sraw       "sraw"       "0100000 bbbbb aaaaa 101 ddddd 0111011"   "rd, rs1, rs2"
    }
    I, "Unconditional Jumps": {
        Jal        "jal"        "jjjjjjjjjjjjjjjjjjjj ddddd 1101111"      "rd, target"
        Jalr       "jalr"       "iiiiiiiiiiii aaaaa 000 ddddd 1100111"    "rd, imm(rs1)"
    }
    I, "Conditional Branches": {
        Beq        "beq"        "ppppppp bbbbb aaaaa 000 ppppp 1100011"   "rs1, rs2, target"
        Bne        "bne"        "ppppppp bbbbb aaaaa 001 ppppp 1100011"   "rs1, rs2, target"
        Blt        "blt"        "ppppppp bbbbb aaaaa 100 ppppp 1100011"   "rs1, rs2, target"
        Bltu       "bltu"       "ppppppp bbbbb aaaaa 110 ppppp 1100011"   "rs1, rs2, target"
        Bge        "bge"        "ppppppp bbbbb aaaaa 101 ppppp 1100011"   "rs1, rs2, target"
        Bgeu       "bgeu"       "ppppppp bbbbb aaaaa 111 ppppp 1100011"   "rs1, rs2, target"
    }
    I, "Load and Store Instructions": {
        Lb         "lb"         "iiiiiiiiiiii aaaaa 000 ddddd 0000011"    "rd, imm(rs1)"
        Lh         "lh"         "iiiiiiiiiiii aaaaa 001 ddddd 0000011"    "rd, imm(rs1)"
        Lw         "lw"         "iiiiiiiiiiii aaaaa 010 ddddd 0000011"    "rd, imm(rs1)"
        Ld         "ld"         "iiiiiiiiiiii aaaaa 011 ddddd 0000011"    "rd, imm(rs1)"
        Lbu        "lbu"        "iiiiiiiiiiii aaaaa 100 ddddd 0000011"    "rd, imm(rs1)"
        Lhu        "lhu"        "iiiiiiiiiiii aaaaa 101 ddddd 0000011"    "rd, imm(rs1)"
        Lwu        "lwu"        "iiiiiiiiiiii aaaaa 110 ddddd 0000011"    "rd, imm(rs1)"
        Sb         "sb"         "sssssss bbbbb aaaaa 000 sssss 0100011"   "rs2, imm(rs1)"
        Sh         "sh"         "sssssss bbbbb aaaaa 001 sssss 0100011"   "rs2, imm(rs1)"
        Sw         "sw"         "sssssss bbbbb aaaaa 010 sssss 0100011"   "rs2, imm(rs1)"
        Sd         "sd"         "sssssss bbbbb aaaaa 011 sssss 0100011"   "rs2, imm(rs1)"
    }
    I, "Memory Ordering Instructions": {
        Fence      "fence"      "ffffffffffff xxxxx 000 xxxxx 0001111"    "sets"
    }
    I, "Environment Call and Breakpoints": {
        Ecall      "ecall"      "000000000000 00000 000 00000 1110011"    ""
        Ebreak     "ebreak"     "000000000001 00000 000 00000 1110011"    ""
    }
    Zifencei, "\"Zifencei\" Extension for Instruction-Fetch Fence": {
        FenceI     "fence.i"    "xxxxxxxxxxxx xxxxx 001 xxxxx 0001111"    ""
    }
    Zicsr, "CSR Instructions": {
        Csrrw      "csrrw"      "nnnnnnnnnnnn aaaaa 001 ddddd 1110011"    "rd, csr, rs1"
        Csrrs      "csrrs"      "nnnnnnnnnnnn aaaaa 010 ddddd 1110011"    "rd, csr, rs1"
        Csrrc      "csrrc"      "nnnnnnnnnnnn aaaaa 011 ddddd 1110011"    "rd, csr, rs1"
        Csrrwi     "csrrwi"     "nnnnnnnnnnnn zzzzz 101 ddddd 1110011"    "rd, csr, uimm"
        Csrrsi     "csrrsi"     "nnnnnnnnnnnn zzzzz 110 ddddd 1110011"    "rd, csr, uimm"
        Csrrci     "csrrci"     "nnnnnnnnnnnn zzzzz 111 ddddd 1110011"    "rd, csr, uimm"
    }
    M, "Multiplication Operations": {
        Mul        "mul"        "0000001 bbbbb aaaaa 000 ddddd 0110011"   "rd, rs1, rs2"
        Mulh       "mulh"       "0000001 bbbbb aaaaa 001 ddddd 0110011"   "rd, rs1, rs2"
        Mulhsu     "mulhsu"     "0000001 bbbbb aaaaa 010 ddddd 0110011"   "rd, rs1, rs2"
        Mulhu      "mulhu"      "0000001 bbbbb aaaaa 011 ddddd 0110011"   "rd, rs1, rs2"
        Mulw       "mulw"       "0000001 bbbbb aaaaa 000 ddddd 0111011"   "rd, rs1, rs2"
    }
    M, "Division Operations": {
        Div        "div"        "0000001 bbbbb aaaaa 100 ddddd 0110011"   "rd, rs1, rs2"
        Divu       "divu"       "0000001 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        Rem        "rem"        "0000001 bbbbb aaaaa 110 ddddd 0110011"   "rd, rs1, rs2"
        Remu       "remu"       "0000001 bbbbb aaaaa 111 ddddd 0110011"   "rd, rs1, rs2"
        Divw       "divw"       "0000001 bbbbb aaaaa 100 ddddd 0111011"   "rd, rs1, rs2"
        Divuw      "divuw"      "0000001 bbbbb aaaaa 101 ddddd 0111011"   "rd, rs1, rs2"
        Remw       "remw"       "0000001 bbbbb aaaaa 110 ddddd 0111011"   "rd, rs1, rs2"
        Remuw      "remuw"      "0000001 bbbbb aaaaa 111 ddddd 0111011"   "rd, rs1, rs2"
    }
    A, "Load-Reserved/Store-Conditional Instructions": {
        LrW        "lr.w"       "00010 ql 00000 aaaaa 010 ddddd 0101111"  "rd, (rs1)"
        LrD        "lr.d"       "00010 ql 00000 aaaaa 011 ddddd 0101111"  "rd, (rs1)"
        ScW        "sc.w"       "00011 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        ScD        "sc.d"       "00011 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
    }
    A, "Atomic Memory Operations": {
        AmoswapW   "amoswap.w"  "00001 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoswapD   "amoswap.d"  "00001 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoaddW    "amoadd.w"   "00000 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoaddD    "amoadd.d"   "00000 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoandW    "amoand.w"   "01100 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoandD    "amoand.d"   "01100 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoorW     "amoor.w"    "01000 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoorD     "amoor.d"    "01000 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoxorW    "amoxor.w"   "00100 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmoxorD    "amoxor.d"   "00100 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmomaxW    "amomax.w"   "10100 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmomaxD    "amomax.d"   "10100 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmomaxuW   "amomaxu.w"  "11100 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmomaxuD   "amomaxu.d"  "11100 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmominW    "amomin.w"   "10000 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmominD    "amomin.d"   "10000 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
        AmominuW   "amominu.w"  "11000 ql bbbbb aaaaa 010 ddddd 0101111"  "rd, rs2, (rs1)"
        AmominuD   "amominu.d"  "11000 ql bbbbb aaaaa 011 ddddd 0101111"  "rd, rs2, (rs1)"
    }
    F, "Single-Precision Load and Store Instructions": {
        Flw        "flw"        "iiiiiiiiiiii aaaaa 010 ddddd 0000111"    "fd, imm(rs1)"
        Fsw        "fsw"        "sssssss bbbbb aaaaa 010 sssss 0100111"   "fs2, imm(rs1)"
    }
    F, "Single-Precision Floating-Point Computational Instructions": {
        FaddS      "fadd.s"     "0000000 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FsubS      "fsub.s"     "0000100 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FmulS      "fmul.s"     "0001000 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FdivS      "fdiv.s"     "0001100 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FsqrtS     "fsqrt.s"    "0101100 00000 aaaaa rrr ddddd 1010011"   "fd, fs1, rm"
        FminS      "fmin.s"     "0010100 bbbbb aaaaa 000 ddddd 1010011"   "fd, fs1, fs2"
        FmaxS      "fmax.s"     "0010100 bbbbb aaaaa 001 ddddd 1010011"   "fd, fs1, fs2"
        FmaddS     "fmadd.s"    "ccccc 00 bbbbb aaaaa rrr ddddd 1000011"  "fd, fs1, fs2, fs3, rm"
        FmsubS     "fmsub.s"    "ccccc 00 bbbbb aaaaa rrr ddddd 1000111"  "fd, fs1, fs2, fs3, rm"
        FnmsubS    "fnmsub.s"   "ccccc 00 bbbbb aaaaa rrr ddddd 1001011"  "fd, fs1, fs2, fs3, rm"
        FnmaddS    "fnmadd.s"   "ccccc 00 bbbbb aaaaa rrr ddddd 1001111"  "fd, fs1, fs2, fs3, rm"
    }
    F, "Single-Precision Floating-Point Conversion and Move Instructions": {
        FcvtWS     "fcvt.w.s"   "1100000 00000 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtWuS    "fcvt.wu.s"  "1100000 00001 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtLS     "fcvt.l.s"   "1100000 00010 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtLuS    "fcvt.lu.s"  "1100000 00011 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtSW     "fcvt.s.w"   "1101000 00000 aaaaa rrr ddddd 1010011"   "fd, rs1, rm"
        FcvtSWu    "fcvt.s.wu"  "1101000 00001 aaaaa rrr ddddd 1010011"   "fd, rs1, rm"
        FcvtSL     "fcvt.s.l"   "1101000 00010 aaaaa rrr ddddd 1010011"   "fd, rs1, rm"
        FcvtSLu    "fcvt.s.lu"  "1101000 00011 aaaaa rrr ddddd 1010011"   "fd, rs1, rm"
        FsgnjS     "fsgnj.s"    "0010000 bbbbb aaaaa 000 ddddd 1010011"   "fd, fs1, fs2"
        FsgnjnS    "fsgnjn.s"   "0010000 bbbbb aaaaa 001 ddddd 1010011"   "fd, fs1, fs2"
        FsgnjxS    "fsgnjx.s"   "0010000 bbbbb aaaaa 010 ddddd 1010011"   "fd, fs1, fs2"
        FmvXW      "fmv.x.w"    "1110000 00000 aaaaa 000 ddddd 1010011"   "rd, fs1"
        FmvWX      "fmv.w.x"    "1111000 00000 aaaaa 000 ddddd 1010011"   "fd, rs1"
    }
    F, "Single-Precision Floating-Point Compare Instructions": {
        FeqS       "feq.s"      "1010000 bbbbb aaaaa 010 ddddd 1010011"   "rd, fs1, fs2"
        FltS       "flt.s"      "1010000 bbbbb aaaaa 001 ddddd 1010011"   "rd, fs1, fs2"
        FleS       "fle.s"      "1010000 bbbbb aaaaa 000 ddddd 1010011"   "rd, fs1, fs2"
    }
    F, "Single-Precision Floating-Point Classify Instruction": {
        FclassS    "fclass.s"   "1110000 00000 aaaaa 001 ddddd 1010011"   "rd, fs1"
    }
    D, "Double-Precision Load and Store Instructions": {
        Fld        "fld"        "iiiiiiiiiiii aaaaa 011 ddddd 0000111"    "fd, imm(rs1)"
        Fsd        "fsd"        "sssssss bbbbb aaaaa 011 sssss 0100111"   "fs2, imm(rs1)"
    }
    D, "Double-Precision Floating-Point Computational Instructions": {
        FaddD      "fadd.d"     "0000001 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FsubD      "fsub.d"     "0000101 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FmulD      "fmul.d"     "0001001 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FdivD      "fdiv.d"     "0001101 bbbbb aaaaa rrr ddddd 1010011"   "fd, fs1, fs2, rm"
        FsqrtD     "fsqrt.d"    "0101101 00000 aaaaa rrr ddddd 1010011"   "fd, fs1, rm"
        FminD      "fmin.d"     "0010101 bbbbb aaaaa 000 ddddd 1010011"   "fd, fs1, fs2"
        FmaxD      "fmax.d"     "0010101 bbbbb aaaaa 001 ddddd 1010011"   "fd, fs1, fs2"
        FmaddD     "fmadd.d"    "ccccc 01 bbbbb aaaaa rrr ddddd 1000011"  "fd, fs1, fs2, fs3, rm"
        FmsubD     "fmsub.d"    "ccccc 01 bbbbb aaaaa rrr ddddd 1000111"  "fd, fs1, fs2, fs3, rm"
        FnmsubD    "fnmsub.d"   "ccccc 01 bbbbb aaaaa rrr ddddd 1001011"  "fd, fs1, fs2, fs3, rm"
        FnmaddD    "fnmadd.d"   "ccccc 01 bbbbb aaaaa rrr ddddd 1001111"  "fd, fs1, fs2, fs3, rm"
    }
    D, "Double-Precision Floating-Point Conversion and Move Instructions": {
        FcvtWD     "fcvt.w.d"   "1100001 00000 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtWuD    "fcvt.wu.d"  "1100001 00001 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtLD     "fcvt.l.d"   "1100001 00010 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtLuD    "fcvt.lu.d"  "1100001 00011 aaaaa rrr ddddd 1010011"   "rd, fs1, rm"
        FcvtDW     "fcvt.d.w"   "1101001 00000 aaaaa rrr ddddd 1010011"   "fd, rs1, exact"
        FcvtDWu    "fcvt.d.wu"  "1101001 00001 aaaaa rrr ddddd 1010011"   "fd, rs1, exact"
        FcvtDL     "fcvt.d.l"   "1101001 00010 aaaaa rrr ddddd 1010011"   "fd, rs1, rm"
        FcvtDLu    "fcvt.d.lu"  "1101001 00011 aaaaa rrr ddddd 1010011"   "fd, rs1, rm"
        FcvtSD     "fcvt.s.d"   "0100000 00001 aaaaa rrr ddddd 1010011"   "fd, fs1, rm"
        FcvtDS     "fcvt.d.s"   "0100001 00000 aaaaa rrr ddddd 1010011"   "fd, fs1, exact"
        FsgnjD     "fsgnj.d"    "0010001 bbbbb aaaaa 000 ddddd 1010011"   "fd, fs1, fs2"
        FsgnjnD    "fsgnjn.d"   "0010001 bbbbb aaaaa 001 ddddd 1010011"   "fd, fs1, fs2"
        FsgnjxD    "fsgnjx.d"   "0010001 bbbbb aaaaa 010 ddddd 1010011"   "fd, fs1, fs2"
        FmvXD      "fmv.x.d"    "1110001 00000 aaaaa 000 ddddd 1010011"   "rd, fs1"
        FmvDX      "fmv.d.x"    "1111001 00000 aaaaa 000 ddddd 1010011"   "fd, rs1"
    }
    D, "Double-Precision Floating-Point Compare Instructions": {
        FeqD       "feq.d"      "1010001 bbbbb aaaaa 010 ddddd 1010011"   "rd, fs1, fs2"
        FltD       "flt.d"      "1010001 bbbbb aaaaa 001 ddddd 1010011"   "rd, fs1, fs2"
        FleD       "fle.d"      "1010001 bbbbb aaaaa 000 ddddd 1010011"   "rd, fs1, fs2"
    }
    D, "Double-Precision Floating-Point Classify Instruction": {
        FclassD    "fclass.d"   "1110001 00000 aaaaa 001 ddddd 1010011"   "rd, fs1"
    }
    Zba, "Address generation": {
        AddUw      "add.uw"     "0000100 bbbbb aaaaa 000 ddddd 0111011"   "rd, rs1, rs2"
        Sh1add     "sh1add"     "0010000 bbbbb aaaaa 010 ddddd 0110011"   "rd, rs1, rs2"
        Sh1addUw   "sh1add.uw"  "0010000 bbbbb aaaaa 010 ddddd 0111011"   "rd, rs1, rs2"
        Sh2add     "sh2add"     "0010000 bbbbb aaaaa 100 ddddd 0110011"   "rd, rs1, rs2"
        Sh2addUw   "sh2add.uw"  "0010000 bbbbb aaaaa 100 ddddd 0111011"   "rd, rs1, rs2"
        Sh3add     "sh3add"     "0010000 bbbbb aaaaa 110 ddddd 0110011"   "rd, rs1, rs2"
        Sh3addUw   "sh3add.uw"  "0010000 bbbbb aaaaa 110 ddddd 0111011"   "rd, rs1, rs2"
        SlliUw     "slli.uw"    "000010 hhhhhh aaaaa 001 ddddd 0011011"   "rd, rs1, imm"
    }
    Zbb, "Basic bit-manipulation": {
        Andn       "andn"       "0100000 bbbbb aaaaa 111 ddddd 0110011"   "rd, rs1, rs2"
        Orn        "orn"        "0100000 bbbbb aaaaa 110 ddddd 0110011"   "rd, rs1, rs2"
        Xnor       "xnor"       "0100000 bbbbb aaaaa 100 ddddd 0110011"   "rd, rs1, rs2"
        Clz        "clz"        "0110000 00000 aaaaa 001 ddddd 0010011"   "rd, rs1"
        Clzw       "clzw"       "0110000 00000 aaaaa 001 ddddd 0011011"   "rd, rs1"
        Ctz        "ctz"        "0110000 00001 aaaaa 001 ddddd 0010011"   "rd, rs1"
        Ctzw       "ctzw"       "0110000 00001 aaaaa 001 ddddd 0011011"   "rd, rs1"
        Cpop       "cpop"       "0110000 00010 aaaaa 001 ddddd 0010011"   "rd, rs1"
        Cpopw      "cpopw"      "0110000 00010 aaaaa 001 ddddd 0011011"   "rd, rs1"
        Max        "max"        "0000101 bbbbb aaaaa 110 ddddd 0110011"   "rd, rs1, rs2"
        Maxu       "maxu"       "0000101 bbbbb aaaaa 111 ddddd 0110011"   "rd, rs1, rs2"
        Min        "min"        "0000101 bbbbb aaaaa 100 ddddd 0110011"   "rd, rs1, rs2"
        Minu       "minu"       "0000101 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        SextB      "sext.b"     "0110000 00100 aaaaa 001 ddddd 0010011"   "rd, rs1"
        SextH      "sext.h"     "0110000 00101 aaaaa 001 ddddd 0010011"   "rd, rs1"
        ZextH      "zext.h"     "0000100 00000 aaaaa 100 ddddd 0111011"   "rd, rs1"
        Rol        "rol"        "0110000 bbbbb aaaaa 001 ddddd 0110011"   "rd, rs1, rs2"
        Rolw       "rolw"       "0110000 bbbbb aaaaa 001 ddddd 0111011"   "rd, rs1, rs2"
        Ror        "ror"        "0110000 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        Rori       "rori"       "011000 hhhhhh aaaaa 101 ddddd 0010011"   "rd, rs1, imm"
        Roriw      "roriw"      "0110000 wwwww aaaaa 101 ddddd 0011011"   "rd, rs1, imm"
        Rorw       "rorw"       "0110000 bbbbb aaaaa 101 ddddd 0111011"   "rd, rs1, rs2"
        OrcB       "orc.b"      "0010100 00111 aaaaa 101 ddddd 0010011"   "rd, rs1"
        Rev8       "rev8"       "0110101 11000 aaaaa 101 ddddd 0010011"   "rd, rs1"
    }
    Zbs, "Single-bit instructions": {
        Bclr       "bclr"       "0100100 bbbbb aaaaa 001 ddddd 0110011"   "rd, rs1, rs2"
        Bclri      "bclri"      "010010 hhhhhh aaaaa 001 ddddd 0010011"   "rd, rs1, imm"
        Bext       "bext"       "0100100 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        Bexti      "bexti"      "010010 hhhhhh aaaaa 101 ddddd 0010011"   "rd, rs1, imm"
        Binv       "binv"       "0110100 bbbbb aaaaa 001 ddddd 0110011"   "rd, rs1, rs2"
        Binvi      "binvi"      "011010 hhhhhh aaaaa 001 ddddd 0010011"   "rd, rs1, imm"
        Bset       "bset"       "0010100 bbbbb aaaaa 001 ddddd 0110011"   "rd, rs1, rs2"
        Bseti      "bseti"      "001010 hhhhhh aaaaa 001 ddddd 0010011"   "rd, rs1, imm"
    }
    Zicond, "\"Zicond\" Extension for Integer Conditional Operations": {
        CzeroEqz   "czero.eqz"  "0000111 bbbbb aaaaa 101 ddddd 0110011"   "rd, rs1, rs2"
        CzeroNez   "czero.nez"  "0000111 bbbbb aaaaa 111 ddddd 0110011"   "rd, rs1, rs2"
    }
}
