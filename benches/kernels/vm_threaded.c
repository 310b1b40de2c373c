/* The bytecode of vm_switch with computed gotos: one indirect jump for each opcode, as fast interpreters have it. */
#include "kernel.h"
#include "vm_program.h"

static uint64_t memory[MEMORY_WORDS];

__attribute__((noinline)) static uint64_t execute(const struct instruction *code, uint64_t seed)
{
    static const void *const labels[] = {
        [HALT] = &&op_halt,
        [CONST] = &&op_const,
        [ADD_CONST] = &&op_add_const,
        [MUL_CONST] = &&op_mul_const,
        [AND_CONST] = &&op_and_const,
        [SHIFT_RIGHT] = &&op_shift_right,
        [ADD] = &&op_add,
        [XOR] = &&op_xor,
        [LOAD] = &&op_load,
        [STORE] = &&op_store,
        [JUMP] = &&op_jump,
        [JUMP_ZERO] = &&op_jump_zero,
        [JUMP_LESS] = &&op_jump_less,
    };
    uint64_t r[REGISTERS] = {0};
    r[R7] = seed;
    const struct instruction *i = code;
#define NEXT goto *labels[(++i)->op]
    goto *labels[i->op];
op_const:
    r[i->a] = (uint64_t)i->immediate;
    NEXT;
op_add_const:
    r[i->a] = r[i->b] + (uint64_t)i->immediate;
    NEXT;
op_mul_const:
    r[i->a] = r[i->b] * (uint64_t)i->immediate;
    NEXT;
op_and_const:
    r[i->a] = r[i->b] & (uint64_t)i->immediate;
    NEXT;
op_shift_right:
    r[i->a] = r[i->b] >> i->immediate;
    NEXT;
op_add:
    r[i->a] = r[i->b] + r[i->c];
    NEXT;
op_xor:
    r[i->a] = r[i->b] ^ r[i->c];
    NEXT;
op_load:
    r[i->a] = memory[r[i->b] % MEMORY_WORDS];
    NEXT;
op_store:
    memory[r[i->b] % MEMORY_WORDS] = r[i->a];
    NEXT;
op_jump:
    i = code + i->immediate - 1;
    NEXT;
op_jump_zero:
    if (r[i->b] == 0)
        i = code + i->immediate - 1;
    NEXT;
op_jump_less:
    if (r[i->b] < r[i->c])
        i = code + i->immediate - 1;
    NEXT;
op_halt:
    return r[R6];
#undef NEXT
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 300), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = kernel_mix(checksum, execute(program, round * 1000));
    return kernel_finish("vm_threaded", checksum);
}
