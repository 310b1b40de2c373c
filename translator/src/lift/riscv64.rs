//! riscv64 instructions to IR.
