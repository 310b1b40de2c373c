//! Register numbers. Generated from the engine's table by tests/register_ids.rs: `BLESS=1` rewrites this file.

/// X86_64: `rax`.
pub const XLAT_X86_64_RAX: u32 = 0;

/// X86_64: `rcx`.
pub const XLAT_X86_64_RCX: u32 = 1;

/// X86_64: `rdx`.
pub const XLAT_X86_64_RDX: u32 = 2;

/// X86_64: `rbx`.
pub const XLAT_X86_64_RBX: u32 = 3;

/// X86_64: `rsp`.
pub const XLAT_X86_64_RSP: u32 = 4;

/// X86_64: `rbp`.
pub const XLAT_X86_64_RBP: u32 = 5;

/// X86_64: `rsi`.
pub const XLAT_X86_64_RSI: u32 = 6;

/// X86_64: `rdi`.
pub const XLAT_X86_64_RDI: u32 = 7;

/// X86_64: `r8`.
pub const XLAT_X86_64_R8: u32 = 8;

/// X86_64: `r9`.
pub const XLAT_X86_64_R9: u32 = 9;

/// X86_64: `r10`.
pub const XLAT_X86_64_R10: u32 = 10;

/// X86_64: `r11`.
pub const XLAT_X86_64_R11: u32 = 11;

/// X86_64: `r12`.
pub const XLAT_X86_64_R12: u32 = 12;

/// X86_64: `r13`.
pub const XLAT_X86_64_R13: u32 = 13;

/// X86_64: `r14`.
pub const XLAT_X86_64_R14: u32 = 14;

/// X86_64: `r15`.
pub const XLAT_X86_64_R15: u32 = 15;

/// X86_64: `rip`.
pub const XLAT_X86_64_RIP: u32 = 16;

/// X86_64: `pc`.
pub const XLAT_X86_64_PC: u32 = 16;

/// X86_64: `rflags`.
pub const XLAT_X86_64_RFLAGS: u32 = 17;

/// X86_64: `eflags`.
pub const XLAT_X86_64_EFLAGS: u32 = 17;

/// X86_64: `fs_base`.
pub const XLAT_X86_64_FS_BASE: u32 = 18;

/// X86_64: `gs_base`.
pub const XLAT_X86_64_GS_BASE: u32 = 19;

/// X86_64: `mxcsr`.
pub const XLAT_X86_64_MXCSR: u32 = 20;

/// X86_64: `fcw`.
pub const XLAT_X86_64_FCW: u32 = 21;

/// X86_64: `fsw`.
pub const XLAT_X86_64_FSW: u32 = 22;

/// X86_64: `ftw`.
pub const XLAT_X86_64_FTW: u32 = 23;

/// X86_64: `st0`.
pub const XLAT_X86_64_ST0: u32 = 32;

/// X86_64: `st1`.
pub const XLAT_X86_64_ST1: u32 = 33;

/// X86_64: `st2`.
pub const XLAT_X86_64_ST2: u32 = 34;

/// X86_64: `st3`.
pub const XLAT_X86_64_ST3: u32 = 35;

/// X86_64: `st4`.
pub const XLAT_X86_64_ST4: u32 = 36;

/// X86_64: `st5`.
pub const XLAT_X86_64_ST5: u32 = 37;

/// X86_64: `st6`.
pub const XLAT_X86_64_ST6: u32 = 38;

/// X86_64: `st7`.
pub const XLAT_X86_64_ST7: u32 = 39;

/// X86_64: `xmm0`.
pub const XLAT_X86_64_XMM0: u32 = 64;

/// X86_64: `xmm1`.
pub const XLAT_X86_64_XMM1: u32 = 65;

/// X86_64: `xmm2`.
pub const XLAT_X86_64_XMM2: u32 = 66;

/// X86_64: `xmm3`.
pub const XLAT_X86_64_XMM3: u32 = 67;

/// X86_64: `xmm4`.
pub const XLAT_X86_64_XMM4: u32 = 68;

/// X86_64: `xmm5`.
pub const XLAT_X86_64_XMM5: u32 = 69;

/// X86_64: `xmm6`.
pub const XLAT_X86_64_XMM6: u32 = 70;

/// X86_64: `xmm7`.
pub const XLAT_X86_64_XMM7: u32 = 71;

/// X86_64: `xmm8`.
pub const XLAT_X86_64_XMM8: u32 = 72;

/// X86_64: `xmm9`.
pub const XLAT_X86_64_XMM9: u32 = 73;

/// X86_64: `xmm10`.
pub const XLAT_X86_64_XMM10: u32 = 74;

/// X86_64: `xmm11`.
pub const XLAT_X86_64_XMM11: u32 = 75;

/// X86_64: `xmm12`.
pub const XLAT_X86_64_XMM12: u32 = 76;

/// X86_64: `xmm13`.
pub const XLAT_X86_64_XMM13: u32 = 77;

/// X86_64: `xmm14`.
pub const XLAT_X86_64_XMM14: u32 = 78;

/// X86_64: `xmm15`.
pub const XLAT_X86_64_XMM15: u32 = 79;

/// AARCH64: `x0`.
pub const XLAT_AARCH64_X0: u32 = 0;

/// AARCH64: `x1`.
pub const XLAT_AARCH64_X1: u32 = 1;

/// AARCH64: `x2`.
pub const XLAT_AARCH64_X2: u32 = 2;

/// AARCH64: `x3`.
pub const XLAT_AARCH64_X3: u32 = 3;

/// AARCH64: `x4`.
pub const XLAT_AARCH64_X4: u32 = 4;

/// AARCH64: `x5`.
pub const XLAT_AARCH64_X5: u32 = 5;

/// AARCH64: `x6`.
pub const XLAT_AARCH64_X6: u32 = 6;

/// AARCH64: `x7`.
pub const XLAT_AARCH64_X7: u32 = 7;

/// AARCH64: `x8`.
pub const XLAT_AARCH64_X8: u32 = 8;

/// AARCH64: `x9`.
pub const XLAT_AARCH64_X9: u32 = 9;

/// AARCH64: `x10`.
pub const XLAT_AARCH64_X10: u32 = 10;

/// AARCH64: `x11`.
pub const XLAT_AARCH64_X11: u32 = 11;

/// AARCH64: `x12`.
pub const XLAT_AARCH64_X12: u32 = 12;

/// AARCH64: `x13`.
pub const XLAT_AARCH64_X13: u32 = 13;

/// AARCH64: `x14`.
pub const XLAT_AARCH64_X14: u32 = 14;

/// AARCH64: `x15`.
pub const XLAT_AARCH64_X15: u32 = 15;

/// AARCH64: `x16`.
pub const XLAT_AARCH64_X16: u32 = 16;

/// AARCH64: `x17`.
pub const XLAT_AARCH64_X17: u32 = 17;

/// AARCH64: `x18`.
pub const XLAT_AARCH64_X18: u32 = 18;

/// AARCH64: `x19`.
pub const XLAT_AARCH64_X19: u32 = 19;

/// AARCH64: `x20`.
pub const XLAT_AARCH64_X20: u32 = 20;

/// AARCH64: `x21`.
pub const XLAT_AARCH64_X21: u32 = 21;

/// AARCH64: `x22`.
pub const XLAT_AARCH64_X22: u32 = 22;

/// AARCH64: `x23`.
pub const XLAT_AARCH64_X23: u32 = 23;

/// AARCH64: `x24`.
pub const XLAT_AARCH64_X24: u32 = 24;

/// AARCH64: `x25`.
pub const XLAT_AARCH64_X25: u32 = 25;

/// AARCH64: `x26`.
pub const XLAT_AARCH64_X26: u32 = 26;

/// AARCH64: `x27`.
pub const XLAT_AARCH64_X27: u32 = 27;

/// AARCH64: `x28`.
pub const XLAT_AARCH64_X28: u32 = 28;

/// AARCH64: `x29`.
pub const XLAT_AARCH64_X29: u32 = 29;

/// AARCH64: `fp`.
pub const XLAT_AARCH64_FP: u32 = 29;

/// AARCH64: `x30`.
pub const XLAT_AARCH64_X30: u32 = 30;

/// AARCH64: `lr`.
pub const XLAT_AARCH64_LR: u32 = 30;

/// AARCH64: `sp`.
pub const XLAT_AARCH64_SP: u32 = 31;

/// AARCH64: `pc`.
pub const XLAT_AARCH64_PC: u32 = 32;

/// AARCH64: `nzcv`.
pub const XLAT_AARCH64_NZCV: u32 = 33;

/// AARCH64: `fpcr`.
pub const XLAT_AARCH64_FPCR: u32 = 34;

/// AARCH64: `fpsr`.
pub const XLAT_AARCH64_FPSR: u32 = 35;

/// AARCH64: `tpidr_el0`.
pub const XLAT_AARCH64_TPIDR_EL0: u32 = 36;

/// AARCH64: `v0`.
pub const XLAT_AARCH64_V0: u32 = 64;

/// AARCH64: `v1`.
pub const XLAT_AARCH64_V1: u32 = 65;

/// AARCH64: `v2`.
pub const XLAT_AARCH64_V2: u32 = 66;

/// AARCH64: `v3`.
pub const XLAT_AARCH64_V3: u32 = 67;

/// AARCH64: `v4`.
pub const XLAT_AARCH64_V4: u32 = 68;

/// AARCH64: `v5`.
pub const XLAT_AARCH64_V5: u32 = 69;

/// AARCH64: `v6`.
pub const XLAT_AARCH64_V6: u32 = 70;

/// AARCH64: `v7`.
pub const XLAT_AARCH64_V7: u32 = 71;

/// AARCH64: `v8`.
pub const XLAT_AARCH64_V8: u32 = 72;

/// AARCH64: `v9`.
pub const XLAT_AARCH64_V9: u32 = 73;

/// AARCH64: `v10`.
pub const XLAT_AARCH64_V10: u32 = 74;

/// AARCH64: `v11`.
pub const XLAT_AARCH64_V11: u32 = 75;

/// AARCH64: `v12`.
pub const XLAT_AARCH64_V12: u32 = 76;

/// AARCH64: `v13`.
pub const XLAT_AARCH64_V13: u32 = 77;

/// AARCH64: `v14`.
pub const XLAT_AARCH64_V14: u32 = 78;

/// AARCH64: `v15`.
pub const XLAT_AARCH64_V15: u32 = 79;

/// AARCH64: `v16`.
pub const XLAT_AARCH64_V16: u32 = 80;

/// AARCH64: `v17`.
pub const XLAT_AARCH64_V17: u32 = 81;

/// AARCH64: `v18`.
pub const XLAT_AARCH64_V18: u32 = 82;

/// AARCH64: `v19`.
pub const XLAT_AARCH64_V19: u32 = 83;

/// AARCH64: `v20`.
pub const XLAT_AARCH64_V20: u32 = 84;

/// AARCH64: `v21`.
pub const XLAT_AARCH64_V21: u32 = 85;

/// AARCH64: `v22`.
pub const XLAT_AARCH64_V22: u32 = 86;

/// AARCH64: `v23`.
pub const XLAT_AARCH64_V23: u32 = 87;

/// AARCH64: `v24`.
pub const XLAT_AARCH64_V24: u32 = 88;

/// AARCH64: `v25`.
pub const XLAT_AARCH64_V25: u32 = 89;

/// AARCH64: `v26`.
pub const XLAT_AARCH64_V26: u32 = 90;

/// AARCH64: `v27`.
pub const XLAT_AARCH64_V27: u32 = 91;

/// AARCH64: `v28`.
pub const XLAT_AARCH64_V28: u32 = 92;

/// AARCH64: `v29`.
pub const XLAT_AARCH64_V29: u32 = 93;

/// AARCH64: `v30`.
pub const XLAT_AARCH64_V30: u32 = 94;

/// AARCH64: `v31`.
pub const XLAT_AARCH64_V31: u32 = 95;

/// RISCV64: `x0`.
pub const XLAT_RISCV64_X0: u32 = 0;

/// RISCV64: `zero`.
pub const XLAT_RISCV64_ZERO: u32 = 0;

/// RISCV64: `x1`.
pub const XLAT_RISCV64_X1: u32 = 1;

/// RISCV64: `ra`.
pub const XLAT_RISCV64_RA: u32 = 1;

/// RISCV64: `x2`.
pub const XLAT_RISCV64_X2: u32 = 2;

/// RISCV64: `sp`.
pub const XLAT_RISCV64_SP: u32 = 2;

/// RISCV64: `x3`.
pub const XLAT_RISCV64_X3: u32 = 3;

/// RISCV64: `gp`.
pub const XLAT_RISCV64_GP: u32 = 3;

/// RISCV64: `x4`.
pub const XLAT_RISCV64_X4: u32 = 4;

/// RISCV64: `tp`.
pub const XLAT_RISCV64_TP: u32 = 4;

/// RISCV64: `x5`.
pub const XLAT_RISCV64_X5: u32 = 5;

/// RISCV64: `t0`.
pub const XLAT_RISCV64_T0: u32 = 5;

/// RISCV64: `x6`.
pub const XLAT_RISCV64_X6: u32 = 6;

/// RISCV64: `t1`.
pub const XLAT_RISCV64_T1: u32 = 6;

/// RISCV64: `x7`.
pub const XLAT_RISCV64_X7: u32 = 7;

/// RISCV64: `t2`.
pub const XLAT_RISCV64_T2: u32 = 7;

/// RISCV64: `x8`.
pub const XLAT_RISCV64_X8: u32 = 8;

/// RISCV64: `s0`.
pub const XLAT_RISCV64_S0: u32 = 8;

/// RISCV64: `x9`.
pub const XLAT_RISCV64_X9: u32 = 9;

/// RISCV64: `s1`.
pub const XLAT_RISCV64_S1: u32 = 9;

/// RISCV64: `x10`.
pub const XLAT_RISCV64_X10: u32 = 10;

/// RISCV64: `a0`.
pub const XLAT_RISCV64_A0: u32 = 10;

/// RISCV64: `x11`.
pub const XLAT_RISCV64_X11: u32 = 11;

/// RISCV64: `a1`.
pub const XLAT_RISCV64_A1: u32 = 11;

/// RISCV64: `x12`.
pub const XLAT_RISCV64_X12: u32 = 12;

/// RISCV64: `a2`.
pub const XLAT_RISCV64_A2: u32 = 12;

/// RISCV64: `x13`.
pub const XLAT_RISCV64_X13: u32 = 13;

/// RISCV64: `a3`.
pub const XLAT_RISCV64_A3: u32 = 13;

/// RISCV64: `x14`.
pub const XLAT_RISCV64_X14: u32 = 14;

/// RISCV64: `a4`.
pub const XLAT_RISCV64_A4: u32 = 14;

/// RISCV64: `x15`.
pub const XLAT_RISCV64_X15: u32 = 15;

/// RISCV64: `a5`.
pub const XLAT_RISCV64_A5: u32 = 15;

/// RISCV64: `x16`.
pub const XLAT_RISCV64_X16: u32 = 16;

/// RISCV64: `a6`.
pub const XLAT_RISCV64_A6: u32 = 16;

/// RISCV64: `x17`.
pub const XLAT_RISCV64_X17: u32 = 17;

/// RISCV64: `a7`.
pub const XLAT_RISCV64_A7: u32 = 17;

/// RISCV64: `x18`.
pub const XLAT_RISCV64_X18: u32 = 18;

/// RISCV64: `s2`.
pub const XLAT_RISCV64_S2: u32 = 18;

/// RISCV64: `x19`.
pub const XLAT_RISCV64_X19: u32 = 19;

/// RISCV64: `s3`.
pub const XLAT_RISCV64_S3: u32 = 19;

/// RISCV64: `x20`.
pub const XLAT_RISCV64_X20: u32 = 20;

/// RISCV64: `s4`.
pub const XLAT_RISCV64_S4: u32 = 20;

/// RISCV64: `x21`.
pub const XLAT_RISCV64_X21: u32 = 21;

/// RISCV64: `s5`.
pub const XLAT_RISCV64_S5: u32 = 21;

/// RISCV64: `x22`.
pub const XLAT_RISCV64_X22: u32 = 22;

/// RISCV64: `s6`.
pub const XLAT_RISCV64_S6: u32 = 22;

/// RISCV64: `x23`.
pub const XLAT_RISCV64_X23: u32 = 23;

/// RISCV64: `s7`.
pub const XLAT_RISCV64_S7: u32 = 23;

/// RISCV64: `x24`.
pub const XLAT_RISCV64_X24: u32 = 24;

/// RISCV64: `s8`.
pub const XLAT_RISCV64_S8: u32 = 24;

/// RISCV64: `x25`.
pub const XLAT_RISCV64_X25: u32 = 25;

/// RISCV64: `s9`.
pub const XLAT_RISCV64_S9: u32 = 25;

/// RISCV64: `x26`.
pub const XLAT_RISCV64_X26: u32 = 26;

/// RISCV64: `s10`.
pub const XLAT_RISCV64_S10: u32 = 26;

/// RISCV64: `x27`.
pub const XLAT_RISCV64_X27: u32 = 27;

/// RISCV64: `s11`.
pub const XLAT_RISCV64_S11: u32 = 27;

/// RISCV64: `x28`.
pub const XLAT_RISCV64_X28: u32 = 28;

/// RISCV64: `t3`.
pub const XLAT_RISCV64_T3: u32 = 28;

/// RISCV64: `x29`.
pub const XLAT_RISCV64_X29: u32 = 29;

/// RISCV64: `t4`.
pub const XLAT_RISCV64_T4: u32 = 29;

/// RISCV64: `x30`.
pub const XLAT_RISCV64_X30: u32 = 30;

/// RISCV64: `t5`.
pub const XLAT_RISCV64_T5: u32 = 30;

/// RISCV64: `x31`.
pub const XLAT_RISCV64_X31: u32 = 31;

/// RISCV64: `t6`.
pub const XLAT_RISCV64_T6: u32 = 31;

/// RISCV64: `pc`.
pub const XLAT_RISCV64_PC: u32 = 32;

/// RISCV64: `f0`.
pub const XLAT_RISCV64_F0: u32 = 64;

/// RISCV64: `ft0`.
pub const XLAT_RISCV64_FT0: u32 = 64;

/// RISCV64: `f1`.
pub const XLAT_RISCV64_F1: u32 = 65;

/// RISCV64: `ft1`.
pub const XLAT_RISCV64_FT1: u32 = 65;

/// RISCV64: `f2`.
pub const XLAT_RISCV64_F2: u32 = 66;

/// RISCV64: `ft2`.
pub const XLAT_RISCV64_FT2: u32 = 66;

/// RISCV64: `f3`.
pub const XLAT_RISCV64_F3: u32 = 67;

/// RISCV64: `ft3`.
pub const XLAT_RISCV64_FT3: u32 = 67;

/// RISCV64: `f4`.
pub const XLAT_RISCV64_F4: u32 = 68;

/// RISCV64: `ft4`.
pub const XLAT_RISCV64_FT4: u32 = 68;

/// RISCV64: `f5`.
pub const XLAT_RISCV64_F5: u32 = 69;

/// RISCV64: `ft5`.
pub const XLAT_RISCV64_FT5: u32 = 69;

/// RISCV64: `f6`.
pub const XLAT_RISCV64_F6: u32 = 70;

/// RISCV64: `ft6`.
pub const XLAT_RISCV64_FT6: u32 = 70;

/// RISCV64: `f7`.
pub const XLAT_RISCV64_F7: u32 = 71;

/// RISCV64: `ft7`.
pub const XLAT_RISCV64_FT7: u32 = 71;

/// RISCV64: `f8`.
pub const XLAT_RISCV64_F8: u32 = 72;

/// RISCV64: `fs0`.
pub const XLAT_RISCV64_FS0: u32 = 72;

/// RISCV64: `f9`.
pub const XLAT_RISCV64_F9: u32 = 73;

/// RISCV64: `fs1`.
pub const XLAT_RISCV64_FS1: u32 = 73;

/// RISCV64: `f10`.
pub const XLAT_RISCV64_F10: u32 = 74;

/// RISCV64: `fa0`.
pub const XLAT_RISCV64_FA0: u32 = 74;

/// RISCV64: `f11`.
pub const XLAT_RISCV64_F11: u32 = 75;

/// RISCV64: `fa1`.
pub const XLAT_RISCV64_FA1: u32 = 75;

/// RISCV64: `f12`.
pub const XLAT_RISCV64_F12: u32 = 76;

/// RISCV64: `fa2`.
pub const XLAT_RISCV64_FA2: u32 = 76;

/// RISCV64: `f13`.
pub const XLAT_RISCV64_F13: u32 = 77;

/// RISCV64: `fa3`.
pub const XLAT_RISCV64_FA3: u32 = 77;

/// RISCV64: `f14`.
pub const XLAT_RISCV64_F14: u32 = 78;

/// RISCV64: `fa4`.
pub const XLAT_RISCV64_FA4: u32 = 78;

/// RISCV64: `f15`.
pub const XLAT_RISCV64_F15: u32 = 79;

/// RISCV64: `fa5`.
pub const XLAT_RISCV64_FA5: u32 = 79;

/// RISCV64: `f16`.
pub const XLAT_RISCV64_F16: u32 = 80;

/// RISCV64: `fa6`.
pub const XLAT_RISCV64_FA6: u32 = 80;

/// RISCV64: `f17`.
pub const XLAT_RISCV64_F17: u32 = 81;

/// RISCV64: `fa7`.
pub const XLAT_RISCV64_FA7: u32 = 81;

/// RISCV64: `f18`.
pub const XLAT_RISCV64_F18: u32 = 82;

/// RISCV64: `fs2`.
pub const XLAT_RISCV64_FS2: u32 = 82;

/// RISCV64: `f19`.
pub const XLAT_RISCV64_F19: u32 = 83;

/// RISCV64: `fs3`.
pub const XLAT_RISCV64_FS3: u32 = 83;

/// RISCV64: `f20`.
pub const XLAT_RISCV64_F20: u32 = 84;

/// RISCV64: `fs4`.
pub const XLAT_RISCV64_FS4: u32 = 84;

/// RISCV64: `f21`.
pub const XLAT_RISCV64_F21: u32 = 85;

/// RISCV64: `fs5`.
pub const XLAT_RISCV64_FS5: u32 = 85;

/// RISCV64: `f22`.
pub const XLAT_RISCV64_F22: u32 = 86;

/// RISCV64: `fs6`.
pub const XLAT_RISCV64_FS6: u32 = 86;

/// RISCV64: `f23`.
pub const XLAT_RISCV64_F23: u32 = 87;

/// RISCV64: `fs7`.
pub const XLAT_RISCV64_FS7: u32 = 87;

/// RISCV64: `f24`.
pub const XLAT_RISCV64_F24: u32 = 88;

/// RISCV64: `fs8`.
pub const XLAT_RISCV64_FS8: u32 = 88;

/// RISCV64: `f25`.
pub const XLAT_RISCV64_F25: u32 = 89;

/// RISCV64: `fs9`.
pub const XLAT_RISCV64_FS9: u32 = 89;

/// RISCV64: `f26`.
pub const XLAT_RISCV64_F26: u32 = 90;

/// RISCV64: `fs10`.
pub const XLAT_RISCV64_FS10: u32 = 90;

/// RISCV64: `f27`.
pub const XLAT_RISCV64_F27: u32 = 91;

/// RISCV64: `fs11`.
pub const XLAT_RISCV64_FS11: u32 = 91;

/// RISCV64: `f28`.
pub const XLAT_RISCV64_F28: u32 = 92;

/// RISCV64: `ft8`.
pub const XLAT_RISCV64_FT8: u32 = 92;

/// RISCV64: `f29`.
pub const XLAT_RISCV64_F29: u32 = 93;

/// RISCV64: `ft9`.
pub const XLAT_RISCV64_FT9: u32 = 93;

/// RISCV64: `f30`.
pub const XLAT_RISCV64_F30: u32 = 94;

/// RISCV64: `ft10`.
pub const XLAT_RISCV64_FT10: u32 = 94;

/// RISCV64: `f31`.
pub const XLAT_RISCV64_F31: u32 = 95;

/// RISCV64: `ft11`.
pub const XLAT_RISCV64_FT11: u32 = 95;

/// RISCV64: `fcsr`.
pub const XLAT_RISCV64_FCSR: u32 = 96;
