/* qsort, bsearch, lfind and the tree, hash table and queue of search.h. */
#include <search.h>

#include "check.h"

struct record {
    uint32_t key;
    char name[13];
    uint64_t payload;
};

static unsigned comparisons;

static int by_key(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    comparisons++;
    return (x->key > y->key) - (x->key < y->key);
}

static int by_int(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b, void *size)
{
    return memcmp(a, b, *(size_t *)size);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The numbers of the tree are static: its nodes are freed, they are not. */
static void keep(void *number)
{
    (void)number;
}

static uint64_t walked;

static void walk(const void *node, VISIT visit, int depth)
{
    if (visit == postorder || visit == leaf)
        walked = walked * 33 + (uint64_t)(**(int *const *)node) * 5 + (uint64_t)(depth > 20);
}

int main(void)
{
    for (size_t count = 0; count < 400; count += count / 9 + 1) {
        struct record *records = calloc(count + 1, sizeof *records);
        for (size_t i = 0; i < count; i++) {
            records[i].key = (uint32_t)(check_random() >> 50);
            snprintf(records[i].name, sizeof records[i].name, "n%u", records[i].key);
            records[i].payload = records[i].key * UINT64_C(0x123456789);
        }
        qsort(records, count, sizeof *records, by_key);
        for (size_t i = 0; i < count; i++) {
            char name[16];
            snprintf(name, sizeof name, "n%u", records[i].key);
            CHECK(i == 0 || records[i - 1].key <= records[i].key);
            CHECK(strcmp(name, records[i].name) == 0 && records[i].payload == records[i].key * UINT64_C(0x123456789));
            struct record *found = bsearch(&records[i], records, count, sizeof *records, by_key);
            CHECK(found && found->key == records[i].key);
        }
        struct record absent = {.key = UINT32_MAX};
        CHECK(bsearch(&absent, records, count, sizeof *records, by_key) == NULL);
        free(records);
    }
    printf("%s\n", comparisons > 1000 ? "compared" : "not compared");
    /* Element sizes that take libc's different ways of swapping. */
    for (size_t size = 1; size < 70; size++) {
        unsigned char items[50 * 70];
        for (size_t i = 0; i < sizeof items; i++)
            items[i] = (unsigned char)check_random();
        qsort_r(items, 50, size, by_bytes, &size);
        for (size_t i = 1; i < 50; i++)
            CHECK(memcmp(items + (i - 1) * size, items + i * size, size) <= 0);
    }
    char *names[] = {"riscv64", "aarch64", "x86_64", "mips", "sparc", "alpha", "m68k", "s390x", "ppc64"};
    qsort(names, 9, sizeof *names, by_name);
    for (int i = 0; i < 9; i++)
        printf("%s ", names[i]);
    double doubles[] = {3.5, -1e300, 0.25, 1e-310, -0.5, 7e22, 2.0};
    qsort(doubles, 7, sizeof *doubles, by_double);
    for (int i = 0; i < 7; i++)
        printf("%g ", doubles[i]);
    putchar('\n');

    static int numbers[1000];
    void *root = NULL;
    for (int i = 0; i < 1000; i++) {
        numbers[i] = (int)(check_random() % 2000);
        CHECK(**(int **)tsearch(&numbers[i], &root, by_int) == numbers[i]);
    }
    for (int i = 0; i < 1000; i += 3)
        tdelete(&numbers[i], &root, by_int);
    twalk(root, walk);
    int wanted = 5001;
    CHECK(tfind(&wanted, &root, by_int) == NULL);
    printf("walk %016" PRIx64 "\n", walked);
    tdestroy(root, keep);

    size_t length = 10;
    wanted = numbers[7];
    CHECK(lfind(&wanted, numbers, &length, sizeof *numbers, by_int) != NULL);
    CHECK(hcreate(500));
    static char keys[300][8];
    for (intptr_t i = 0; i < 300; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", (int)i);
        CHECK(hsearch((ENTRY){keys[i], (void *)i}, ENTER) != NULL);
    }
    for (intptr_t i = 0; i < 300; i++) {
        ENTRY *entry = hsearch((ENTRY){keys[i], NULL}, FIND);
        CHECK(entry && entry->data == (void *)i);
    }
    CHECK(hsearch((ENTRY){"absent", NULL}, FIND) == NULL);
    hdestroy();
    return check_finish();
}
