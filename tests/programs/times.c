/* Clocks and calendar: clocks move forward, sleeping takes time, dates are computed and formatted. */
#include <errno.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "check.h"

static double seconds(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0 && now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(void)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), last = start;
    for (int i = 0; i < 1000; i++) {
        double now = seconds(CLOCK_MONOTONIC);
        CHECK(now >= last);
        last = now;
    }
    struct timespec pause = {0, 20000000}, rest, resolution;
    CHECK(nanosleep(&pause, &rest) == 0 && seconds(CLOCK_MONOTONIC) - last >= 0.02);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL) == 0 && usleep(1000) == 0);
    CHECK(seconds(CLOCK_MONOTONIC) - start >= 0.041 && seconds(CLOCK_PROCESS_CPUTIME_ID) > cpu);
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    struct timeval now;
    time_t t = time(NULL);
    CHECK(gettimeofday(&now, NULL) == 0 && now.tv_sec >= t && now.tv_sec - t < 3 && t > 1600000000);
    CHECK(fabs((double)now.tv_sec - seconds(CLOCK_REALTIME)) < 3);
    struct rusage usage;
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0 && clock() > 0);
    struct tms ticks;
    CHECK(times(&ticks) != (clock_t)-1);
    pause.tv_nsec = 2000000000;
    CHECK(nanosleep(&pause, NULL) == -1 && errno == EINVAL);

    static const time_t moments[] = {0, 1, 86399, 951782400, 1000000000, 1709164800, 2147483647, 4102444800, -1, 32503680000};
    for (int i = 0; i < 10; i++) {
        struct tm parts;
        char text[100];
        CHECK(gmtime_r(&moments[i], &parts) && timegm(&parts) == moments[i] && mktime(&parts) == moments[i]);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %A %b %j %U %V %u %p %e %y %%", &parts);
        printf("%s | %s", text, asctime(&parts));
    }
    struct tm parts = {.tm_year = 124, .tm_mon = 14, .tm_mday = -3, .tm_hour = 30, .tm_sec = -1};
    printf("%lld", (long long)timegm(&parts));
    CHECK(strptime("2001-02-03 04:05:06", "%Y-%m-%d %H:%M:%S", &parts) != NULL);
    printf(" %lld %g\n", (long long)timegm(&parts), difftime(10, 3));
    setenv("TZ", "XST-3:30XDT,M3.2.0,M11.1.0", 1);
    tzset();
    t = 1720000000;
    char text[64];
    strftime(text, sizeof text, "%F %T %Z %z", localtime(&t));
    puts(text);
    return check_finish();
}
