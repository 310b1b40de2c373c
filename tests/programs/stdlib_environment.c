/* Environment variables, pseudo-random generators, atexit order, getopt, and text functions of stdlib.h. */
#include <getopt.h>

#include "check.h"

static void first(void)
{
    puts("registered first, runs last");
}

static void second(void)
{
    puts("registered second, runs before it");
}

static void on_status(int status, void *argument)
{
    printf("on_exit %d %s\n", status, (const char *)argument);
}

int main(int argc, char **argv)
{
    CHECK(getenv("XLAT_ABSENT") == NULL);
    CHECK(setenv("XLAT_TEST", "one", 0) == 0 && strcmp(getenv("XLAT_TEST"), "one") == 0);
    CHECK(setenv("XLAT_TEST", "two", 0) == 0 && strcmp(getenv("XLAT_TEST"), "one") == 0);
    CHECK(setenv("XLAT_TEST", "two", 1) == 0 && strcmp(getenv("XLAT_TEST"), "two") == 0);
    static char put[] = "XLAT_PUT=value";
    CHECK(putenv(put) == 0 && strcmp(getenv("XLAT_PUT"), "value") == 0);
    CHECK(unsetenv("XLAT_TEST") == 0 && getenv("XLAT_TEST") == NULL);
    CHECK(clearenv() == 0 && getenv("PATH") == NULL);

    srand(12345);
    for (int i = 0; i < 8; i++)
        printf("%d ", rand());
    srandom(99);
    for (int i = 0; i < 8; i++)
        printf("%ld ", random());
    putchar('\n');
    srand48(7);
    for (int i = 0; i < 6; i++)
        printf("%a ", drand48()), printf("%ld ", lrand48()), printf("%ld ", mrand48());
    putchar('\n');
    unsigned seed = 5;
    printf("%d ", rand_r(&seed)), printf("%d\n", rand_r(&seed));
    struct random_data data = {0};
    char state[64];
    int32_t result;
    CHECK(initstate_r(3, state, sizeof state, &data) == 0 && random_r(&data, &result) == 0);
    printf("%" PRId32 "\n", result);

    static const struct option options[] = {
        {"verbose", no_argument, NULL, 'v'}, {"output", required_argument, NULL, 'o'}, {"level", optional_argument, NULL, 'l'}, {0}};
    for (int c; (c = getopt_long(argc, argv, "vo:l::", options, NULL)) != -1;)
        printf("option %c %s\n", c, optarg ? optarg : "-");
    for (int i = optind; i < argc; i++)
        printf("operand %s\n", argv[i]);

    char text[] = "ro,size=20,mode=755,junk", *rest = text, *value;
    char *const tokens[] = {"ro", "size", "mode", NULL};
    while (*rest) {
        int token = getsubopt(&rest, tokens, &value);
        printf("suboption %d %s\n", token, value ? value : "-");
    }
    double average;
    CHECK(getloadavg(&average, 1) <= 1);
    atexit(first);
    atexit(second);
    on_exit(on_status, "argument");
    check_failures = (unsigned)check_finish();
    exit(check_failures ? 1 : 3);
}
