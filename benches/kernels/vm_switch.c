/* An interpreter for a small bytecode with one switch in a loop: one indirect jump that goes everywhere. */
#include "kernel.h"
#include "vm_program.h"

static uint64_t memory[MEMORY_WORDS];

__attribute__((noinline)) static uint64_t execute(const struct instruction *code, uint64_t seed)
{
    uint64_t r[REGISTERS] = {0};
    r[R7] = seed;
    for (const struct instruction *i = code;; i++) {
        switch ((enum opcode)i->op) {
        case HALT:
            return r[R6];
        case CONST:
            r[i->a] = (uint64_t)i->immediate;
            break;
        case ADD_CONST:
            r[i->a] = r[i->b] + (uint64_t)i->immediate;
            break;
        case MUL_CONST:
            r[i->a] = r[i->b] * (uint64_t)i->immediate;
            break;
        case AND_CONST:
            r[i->a] = r[i->b] & (uint64_t)i->immediate;
            break;
        case SHIFT_RIGHT:
            r[i->a] = r[i->b] >> i->immediate;
            break;
        case ADD:
            r[i->a] = r[i->b] + r[i->c];
            break;
        case XOR:
            r[i->a] = r[i->b] ^ r[i->c];
            break;
        case LOAD:
            r[i->a] = memory[r[i->b] % MEMORY_WORDS];
            break;
        case STORE:
            memory[r[i->b] % MEMORY_WORDS] = r[i->a];
            break;
        case JUMP:
            i = code + i->immediate - 1;
            break;
        case JUMP_ZERO:
            if (r[i->b] == 0)
                i = code + i->immediate - 1;
            break;
        case JUMP_LESS:
            if (r[i->b] < r[i->c])
                i = code + i->immediate - 1;
            break;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 110), checksum = 0;
    for (uint64_t round = 0; round < rounds; round++)
        checksum = kernel_mix(checksum, execute(program, round * 1000));
    return kernel_finish("vm_switch", checksum);
}
