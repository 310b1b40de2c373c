/* The n-body problem in doubles: multiply, add, divide, square root. */
#include <math.h>

#include "kernel.h"

enum { BODIES = 5 };
static struct body {
    double position[3], velocity[3], mass;
} bodies[BODIES];

static void advance(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double d[3], squared = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = a->position[k] - b->position[k];
                squared += d[k] * d[k];
            }
            double magnitude = dt / (squared * sqrt(squared));
            for (int k = 0; k < 3; k++) {
                a->velocity[k] -= d[k] * b->mass * magnitude;
                b->velocity[k] += d[k] * a->mass * magnitude;
            }
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].position[k] += dt * bodies[i].velocity[k];
}

static double energy(void)
{
    double total = 0.0;
    for (int i = 0; i < BODIES; i++) {
        const double *v = bodies[i].velocity;
        total += 0.5 * bodies[i].mass * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    }
    return total;
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 4000), checksum = 0, seed = 23;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].position[k] = (double)(kernel_random(&seed) >> 40) / 1048576.0 - 8.0;
            bodies[i].velocity[k] = (double)(kernel_random(&seed) >> 44) / 1048576.0 - 0.5;
        }
        bodies[i].mass = i == 0 ? 40.0 : 0.01 * i;
    }
    for (uint64_t round = 0; round < rounds; round++) {
        for (int step = 0; step < 1000; step++)
            advance(0.001);
        checksum = kernel_mix_double(checksum, energy());
    }
    return kernel_finish("nbody", checksum);
}
