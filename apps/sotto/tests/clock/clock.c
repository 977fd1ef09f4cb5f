/* A time of day that is OFFSET seconds wrong, for a program that is run with this library. It stands still at the second LAST, if there
   is one. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) {
        now->tv_sec += OFFSET;
#ifdef LAST
        if (now->tv_sec >= LAST)
            *now = (struct timespec){.tv_sec = LAST};
#endif
    }
    return result;
}
