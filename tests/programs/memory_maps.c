/* Mappings: anonymous, fixed, of files; protection, growing, moving, advice; the break. */
#include <errno.h>
#include <fcntl.h>

#include "check.h"

enum { PAGE = 4096 };

static unsigned char *map(size_t pages, int protection)
{
    return mmap(NULL, pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "noreplace") == 0) {
        unsigned char *taken = map(1, PROT_READ);
        CHECK(mmap(taken, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
        CHECK(munmap(taken, PAGE) == 0);
        CHECK(mmap(taken, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == taken);
        return check_finish();
    }
    unsigned char *a = map(8, PROT_READ | PROT_WRITE);
    CHECK(a != MAP_FAILED && (uintptr_t)a % PAGE == 0);
    for (int i = 0; i < 8 * PAGE; i++)
        if (a[i])
            CHECK(!"new pages are zero");
    for (int i = 0; i < 8; i++)
        a[i * PAGE] = (unsigned char)(i + 1);
    CHECK(mprotect(a + PAGE, 2 * PAGE, PROT_READ) == 0 && a[PAGE] == 2 && a[2 * PAGE] == 3);
    CHECK(mprotect(a + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
    a[PAGE] = 20;
    CHECK(a[PAGE] == 20);
    CHECK(mprotect(a + 3 * PAGE, PAGE, PROT_NONE) == 0 && mprotect(a + 3 * PAGE, PAGE, PROT_READ) == 0 && a[3 * PAGE] == 4);

    /* A hole, then a fixed mapping into it. */
    CHECK(munmap(a + 4 * PAGE, 2 * PAGE) == 0);
    unsigned char *hole = mmap(a + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(hole == a + 4 * PAGE && hole[0] == 0 && a[6 * PAGE] == 7);
    unsigned char *hint = mmap(a + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hint == a + 5 * PAGE);

    /* A system call meets memory without access. */
    void *volatile nowhere = (void *)16;
    int zero = open("/dev/zero", O_RDONLY), pipes[2];
    CHECK(read(zero, a, PAGE) == PAGE && a[0] == 0);
    CHECK(read(zero, hint, 10) == -1 && errno == EFAULT);
    CHECK(pipe(pipes) == 0 && write(pipes[1], nowhere, 4) == -1 && errno == EFAULT);
    unsigned char *zeros = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(zeros != MAP_FAILED && zeros[100] == 0);

    unsigned char *b = map(4, PROT_READ | PROT_WRITE);
    memset(b, 0x5a, 4 * PAGE);
    unsigned char *c = mremap(b, 4 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
    CHECK(c != MAP_FAILED && c[4 * PAGE - 1] == 0x5a && c[4 * PAGE] == 0);
    c[1000 * PAGE - 1] = 9;
    CHECK(mremap(c, 1000 * PAGE, 2 * PAGE, 0) == c && c[2 * PAGE - 1] == 0x5a);
    CHECK(madvise(c, 2 * PAGE, MADV_DONTNEED) == 0 && c[0] == 0 && c[2 * PAGE - 1] == 0);
    CHECK(munmap(c, 2 * PAGE) == 0 && munmap(a, 8 * PAGE) == 0 && munmap(a, 8 * PAGE) == 0);
    CHECK(munmap(a + 1, PAGE) == -1 && errno == EINVAL && mprotect(c, PAGE, PROT_READ) == -1 && errno == ENOMEM);

    char path[] = "/tmp/xlat-map-XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && unlink(path) == 0 && ftruncate(file, 3 * PAGE) == 0 && pwrite(file, "file", 4, PAGE + 10) == 4);
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *own = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, PAGE);
    CHECK(shared != MAP_FAILED && own != MAP_FAILED && memcmp(shared + PAGE + 10, "file", 4) == 0 && memcmp(own + 10, "file", 4) == 0);
    own[10] = 'F';
    shared[PAGE + 12] = 'L';
    char text[5] = "";
    CHECK(pread(file, text, 4, PAGE + 10) == 4 && strcmp(text, "fiLe") == 0 && own[10] == 'F' && msync(shared, 3 * PAGE, MS_SYNC) == 0);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);

    int memory = memfd_create("xlat", 0);
    CHECK(memory >= 0 && ftruncate(memory, PAGE) == 0);
    char *first = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0), *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, memory, 0);
    strcpy(first, "two views");
    CHECK(strcmp(second, "two views") == 0);

    unsigned char *big = mmap(NULL, (size_t)1 << 32, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(big != MAP_FAILED);
    big[0] = big[UINT32_MAX] = big[1u << 31] = 3;
    CHECK(big[UINT32_MAX] == 3 && big[1u << 30] == 0 && munmap(big, (size_t)1 << 32) == 0);

    unsigned char *start = sbrk(0);
    CHECK(sbrk(10 * PAGE) == start && sbrk(0) == start + 10 * PAGE);
    start[10 * PAGE - 1] = 1;
    CHECK(sbrk(-5 * PAGE) == start + 10 * PAGE && brk(start + 7 * PAGE) == 0 && start[6 * PAGE] == 0);
    CHECK(brk(start) == 0 && sbrk(0) == start);
    return check_finish();
}
