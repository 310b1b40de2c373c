/* Binary trees: allocation, pointer chasing and freeing. */
#include "kernel.h"

struct node {
    struct node *left, *right;
    uint32_t key;
};

static struct node *build(uint32_t depth, uint32_t key)
{
    struct node *node = malloc(sizeof *node);
    if (!node)
        abort();
    node->key = key;
    node->left = depth ? build(depth - 1, 2 * key) : NULL;
    node->right = depth ? build(depth - 1, 2 * key + 1) : NULL;
    return node;
}

static uint32_t sum(const struct node *node)
{
    return node ? node->key + 3 * sum(node->left) + 5 * sum(node->right) : 1;
}

static void destroy(struct node *node)
{
    if (!node)
        return;
    destroy(node->left);
    destroy(node->right);
    free(node);
}

int main(int argc, char **argv)
{
    uint64_t rounds = kernel_rounds(argc, argv, 400), checksum = 0;
    struct node *kept = build(12, 1);
    for (uint64_t round = 0; round < rounds; round++) {
        struct node *tree = build(14 + (uint32_t)(round & 1), (uint32_t)round);
        checksum = kernel_mix(checksum, sum(tree));
        destroy(tree);
    }
    checksum = kernel_mix(checksum, sum(kept));
    destroy(kept);
    return kernel_finish("binary_trees", checksum);
}
