/* wchar.h: wide string functions over lengths and alignments, conversions in the C locale, wide output. */
#include <wchar.h>
#include <wctype.h>

#include "check.h"

enum { LONGEST = 120 };

int main(void)
{
    size_t size = 512 * sizeof(wchar_t);
    wchar_t *a_end = (wchar_t *)(void *)(check_guarded(size) + size), *b_end = (wchar_t *)(void *)(check_guarded(size) + size);
    for (size_t length = 0; length < LONGEST; length++)
        for (size_t gap = 0; gap < 9; gap++) {
            wchar_t *a = a_end - gap - length - 1, *b = b_end - length - 1;
            for (size_t i = 0; i < length; i++)
                a[i] = (wchar_t)(0x4e00 + i % 50);
            a[length] = 0;
            CHECK(wcslen(a) == length && wcsnlen(a, length / 2) == length / 2);
            CHECK(wcscpy(b, a) == b && wcscmp(a, b) == 0 && wmemcmp(a, b, length + 1) == 0);
            CHECK(wcschr(a, 0x3042) == NULL && wcsrchr(a, 0x3042) == NULL && wmemchr(a, 0x3042, length) == NULL);
            if (length) {
                size_t at = (size_t)(check_random() % length);
                b[at] = 0x10ffff;
                CHECK(wcschr(b, 0x10ffff) == b + at && wcsrchr(b, 0x10ffff) == b + at);
                CHECK(wmemchr(b, 0x10ffff, length) == b + at);
                CHECK(wcscmp(a, b) < 0 && wcsncmp(a, b, at) == 0 && wmemcmp(b, a, length) > 0);
                wmemset(b, 7, length);
                CHECK(b[0] == 7 && b[length - 1] == 7 && b[length] == 0);
                wmemmove(b, a, length);
                CHECK(wcscmp(a, b) == 0);
                CHECK(wcsstr(a, b + length - 1) == wcschr(a, b[length - 1]));
            }
        }
    wchar_t wide[64];
    char narrow[64];
    CHECK(mbstowcs(wide, "plain text", 64) == 10 && wcscmp(wide, L"plain text") == 0);
    CHECK(wcstombs(narrow, L"and back", 64) == 8 && strcmp(narrow, "and back") == 0);
    CHECK(wcstol(L" -123x", NULL, 10) == -123 && wcstod(L"0x1.8p1", NULL) == 3.0);
    CHECK(iswalpha(L'q') && !iswdigit(L'q') && towupper(L'q') == L'Q');
    CHECK(swprintf(wide, 64, L"%d %ls %s %.3f %lc", 42, L"wide", "narrow", 2.5, L'!') == 22);
    int number;
    wchar_t word[16];
    CHECK(swscanf(L"17 apples", L"%d %15ls", &number, word) == 2 && number == 17);
    wprintf(L"%ls|%ls|%8.3e\n", wide, word, 12345.678);
    wprintf(L"%u checks, %u failed\n", check_count, check_failures);
    return check_failures != 0;
}
