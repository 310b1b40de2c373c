/* Big-integer multiplication in 64-bit limbs with 128-bit products and carry chains: a factorial and its square. */
#include "kernel.h"

enum { LIMBS = 160, FACTORIAL = 900 };
typedef unsigned __int128 wide;

static size_t multiply_small(uint64_t *number, size_t length, uint64_t factor)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < length; i++) {
        wide product = (wide)number[i] * factor + carry;
        number[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry)
        number[length++] = carry;
    return length;
}

static void multiply(const uint64_t *a, size_t a_length, const uint64_t *b, size_t b_length, uint64_t *out)
{
    memset(out, 0, (a_length + b_length) * sizeof *out);
    for (size_t i = 0; i < a_length; i++) {
        uint64_t carry = 0;
        for (size_t j = 0; j < b_length; j++) {
            wide sum = (wide)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        out[i + b_length] = carry;
    }
}

static uint64_t add(uint64_t *a, const uint64_t *b, size_t length)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < length; i++) {
        uint64_t sum = a[i] + carry;
        carry = sum < carry;
        sum += b[i];
        carry += sum < b[i];
        a[i] = sum;
    }
    return carry;
}

/* Division by a single limb uses the 128-by-64 division of the compiler's library on guests without one. */
static uint64_t remainder_small(const uint64_t *number, size_t length, uint64_t divisor)
{
    wide remainder = 0;
    for (size_t i = length; i-- > 0;)
        remainder = (remainder << 64 | number[i]) % divisor;
    return (uint64_t)remainder;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 5000), checksum = 0;
    static uint64_t number[LIMBS], square[2 * LIMBS];
    for (uint64_t round = 0; round < rounds; round++) {
        number[0] = round | 1;
        size_t length = 1;
        for (uint64_t factor = 2; factor <= FACTORIAL; factor++)
            length = multiply_small(number, length, factor);
        multiply(number, length, number, length, square);
        uint64_t carry = add(square, number, length);
        checksum = kernel_mix(checksum, square[length] + carry);
        checksum = kernel_mix(checksum, remainder_small(square, 2 * length, UINT64_C(0xfffffffffffffc5) + round));
    }
    return kernel_finish("bigint_mul", checksum);
}
