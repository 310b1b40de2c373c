/* What the examples share: a check of each status. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include "xlat.h"

/* Ends the program with the library's own text if a call fails. */
#define CHECK(call) check((call), #call)

static void check(xlat_status status, const char *call)
{
    char text[512];
    if (status == XLAT_OK)
        return;
    xlat_last_error(text, sizeof text, NULL);
    fprintf(stderr, "%s: %s: %s\n", call, xlat_status_text(status), text);
    exit(1);
}

#endif
