/* Random bytes of the kernel: getrandom, getentropy, arc4random and the device. */
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>

#include "check.h"

/* Among 256 random bytes, fewer than 64 equal ones and more than 100 different ones are certain enough. */
static void check_bytes(const unsigned char *bytes)
{
    int counts[256] = {0}, different = 0, most = 0;
    for (int i = 0; i < 256; i++)
        different += counts[bytes[i]]++ == 0;
    for (int i = 0; i < 256; i++)
        most = counts[i] > most ? counts[i] : most;
    CHECK(different > 100 && most < 64);
}

int main(void)
{
    unsigned char a[256] = {0}, b[256] = {0};
    volatile size_t too_many = 257;
    void *volatile nowhere = (void *)8;
    CHECK(getrandom(a, sizeof a, 0) == 256);
    check_bytes(a);
    CHECK(getrandom(b, sizeof b, GRND_NONBLOCK) == 256 && memcmp(a, b, sizeof a) != 0);
    CHECK(getentropy(a, sizeof a) == 0);
    check_bytes(a);
    CHECK(getentropy(a, too_many) == -1 && errno == EIO);
    int device = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    CHECK(device >= 0 && read(device, b, sizeof b) == 256);
    check_bytes(b);
    close(device);
    arc4random_buf(a, sizeof a);
    check_bytes(a);
    for (int i = 0; i < 100; i++)
        CHECK(arc4random_uniform(10) < 10);
    CHECK(getrandom(nowhere, 16, 0) == -1 && errno == EFAULT);
    return check_finish();
}
