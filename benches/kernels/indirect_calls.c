/* Indirect calls through a table of function pointers, in an order that no predictor learns by heart. */
#include "kernel.h"

typedef uint64_t operation(uint64_t accumulator, uint64_t operand);

#define OPERATION(name, expression)                                                                                    \
    static uint64_t name(uint64_t accumulator, uint64_t operand)                                                       \
    {                                                                                                                  \
        return expression;                                                                                             \
    }
OPERATION(op_add, accumulator + operand)
OPERATION(op_subtract, accumulator - operand)
OPERATION(op_multiply, accumulator *(operand | 1))
OPERATION(op_xor, accumulator ^ operand)
OPERATION(op_or, accumulator | operand)
OPERATION(op_and_not, accumulator & ~operand)
OPERATION(op_shift, accumulator << (operand & 31) | accumulator >> 33)
OPERATION(op_rotate, accumulator >> (operand & 63) | accumulator << (-operand & 63))
OPERATION(op_divide, accumulator / (operand >> 40 | 1) + operand)
OPERATION(op_remainder, operand + accumulator % (operand | 1))
OPERATION(op_negate, -accumulator ^ operand >> 1)
OPERATION(op_compare, accumulator + (accumulator < operand))
OPERATION(op_swap, __builtin_bswap64(accumulator) + operand)
OPERATION(op_select, accumulator & 1 ? accumulator + operand : operand - accumulator)
OPERATION(op_widen, (uint64_t)(int64_t)(int32_t)accumulator + operand)
OPERATION(op_high, (uint64_t)((unsigned __int128)accumulator * operand >> 64) ^ accumulator)

static operation *const operations[16] = {
    op_add,    op_subtract, op_multiply,  op_xor,    op_or,      op_and_not, op_shift, op_rotate,
    op_divide, op_remainder, op_negate, op_compare, op_swap, op_select,  op_widen, op_high,
};

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 80), checksum = 0, seed = 37;
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t accumulator = round;
        for (uint32_t i = 0; i < 500000; i++) {
            uint64_t random = kernel_random(&seed);
            /* Two choices in three follow a short pattern, as virtual calls in real programs do. */
            accumulator = operations[i % 3 ? i & 15 : random >> 60](accumulator, random);
        }
        checksum = kernel_mix(checksum, accumulator);
    }
    return kernel_finish("indirect_calls", checksum);
}
