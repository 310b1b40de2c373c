/* Everyday system calls of a single process: identity, descriptors, pipes, polling, limits, and errors. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include "check.h"

int main(void)
{
    char *volatile nowhere = (char *)16;
    CHECK(getpid() > 0 && getppid() >= 0 && syscall(SYS_gettid) == getpid() && getuid() == geteuid());
    CHECK(syscall(1u << 20, 1, 2, 3) == -1 && errno == ENOSYS);
    CHECK(close(999) == -1 && errno == EBADF && read(-1, NULL, 0) == -1 && open("/no/such/path", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open(nowhere, O_RDONLY) == -1 && errno == EFAULT);

    int ends[2];
    char buffer[64] = "";
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "through a pipe", 14) == 14);
    struct pollfd polled = {ends[0], POLLIN, 0};
    CHECK(poll(&polled, 1, 0) == 1 && polled.revents == POLLIN);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    struct timeval none = {0, 0};
    CHECK(select(ends[0] + 1, &set, NULL, NULL, &none) == 1 && FD_ISSET(ends[0], &set));
    int waiting = 0;
    CHECK(ioctl(ends[0], FIONREAD, &waiting) == 0 && waiting == 14);
    struct iovec parts[2] = {{buffer, 8}, {buffer + 32, 20}};
    CHECK(readv(ends[0], parts, 2) == 14 && memcmp(buffer, "through ", 8) == 0 && memcmp(buffer + 32, "a pipe", 6) == 0);
    CHECK(poll(&polled, 1, 5) == 0);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && read(ends[0], buffer, 1) == -1 && errno == EAGAIN);
    CHECK((fcntl(ends[0], F_GETFL) & O_NONBLOCK) != 0 && fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
    int copy = dup(ends[1]), high = fcntl(ends[1], F_DUPFD, 100);
    CHECK(copy > ends[1] && high >= 100 && dup2(ends[1], 77) == 77 && dup3(ends[1], 78, O_CLOEXEC) == 78);
    CHECK(write(77, "x", 1) == 1 && read(ends[0], buffer, 5) == 1);
    CHECK(close(ends[1]) == 0 && close(copy) == 0 && close(high) == 0 && close(77) == 0 && close(78) == 0);
    CHECK(read(ends[0], buffer, 5) == 0 && poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP));
    close(ends[0]);

    CHECK(chdir("/tmp") == 0 && getcwd(buffer, sizeof buffer) && strcmp(buffer, "/tmp") == 0);
    CHECK(getcwd(buffer, 2) == NULL && errno == ERANGE);
    struct stat status;
    CHECK(stat("/dev/null", &status) == 0 && S_ISCHR(status.st_mode) && stat("/", &status) == 0 && S_ISDIR(status.st_mode));
    struct statx extended;
    CHECK(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &extended) == 0 && S_ISDIR(extended.stx_mode));
    int root = open("/", O_RDONLY | O_DIRECTORY), null = openat(root, "dev/null", O_WRONLY);
    CHECK(root >= 0 && null >= 0 && write(null, "gone", 4) == 4 && faccessat(root, "dev", R_OK, 0) == 0);
    CHECK(ioctl(null, TCGETS, buffer) == -1 && errno == ENOTTY && isatty(null) == 0);
    struct statfs filesystem;
    CHECK(fstatfs(root, &filesystem) == 0 && filesystem.f_bsize > 0);
    CHECK(readlink("/proc/self/exe", buffer, sizeof buffer) > 0);
    mode_t mask = umask(022);
    CHECK(umask(mask) == 022);

    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    cpu_set_t cpus;
    CHECK(sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) >= 1 && sched_yield() == 0);
    CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1 && sysconf(_SC_PAGESIZE) == 4096);
    struct sysinfo info;
    CHECK(sysinfo(&info) == 0 && info.totalram > 0);
    CHECK(gethostname(buffer, sizeof buffer) == 0 && getpgrp() >= 0 && getsid(0) >= 0);
    return check_finish();
}
