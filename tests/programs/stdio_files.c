/* Files: buffered and unbuffered, seeking, pushing back, memory streams, directories, renaming, removing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(void)
{
    char folder[] = "/tmp/xlat-test-XXXXXX", path[128], other[128];
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
    snprintf(path, sizeof path, "%s/data", folder);
    snprintf(other, sizeof other, "%s/renamed", folder);

    FILE *file = fopen(path, "w+b");
    CHECK(file != NULL);
    if (!file)
        return 1;
    uint32_t block[1000], back[1000];
    for (int i = 0; i < 1000; i++)
        block[i] = (uint32_t)check_random();
    for (int i = 0; i < 20; i++)
        CHECK(fwrite(block, sizeof *block, 1000, file) == 1000);
    CHECK(ftell(file) == 80000 && fseek(file, 4000 * 7 + 40, SEEK_SET) == 0);
    CHECK(fread(back, sizeof *back, 990, file) == 990 && memcmp(back, block + 10, 990 * 4) == 0);
    CHECK(fseek(file, -4, SEEK_END) == 0 && fread(back, 4, 2, file) == 1 && back[0] == block[999] && feof(file));
    rewind(file);
    CHECK(!feof(file) && fgetc(file) == (int)(block[0] & 0xff) && ungetc('!', file) == '!' && fgetc(file) == '!');
    CHECK(fseeko(file, 100000, SEEK_SET) == 0 && fputc('x', file) == 'x' && fflush(file) == 0);
    struct stat status;
    CHECK(stat(path, &status) == 0 && status.st_size == 100001 && S_ISREG(status.st_mode));
    CHECK(fseek(file, 90000, SEEK_SET) == 0 && fgetc(file) == 0);
    CHECK(ftruncate(fileno(file), 10) == 0 && fstat(fileno(file), &status) == 0 && status.st_size == 10);
    CHECK(fclose(file) == 0);

    file = fopen(path, "w");
    setvbuf(file, NULL, _IOLBF, 256);
    for (int i = 0; i < 500; i++)
        fprintf(file, "line %d of 500, %g\n", i, i / 8.0);
    CHECK(!ferror(file) && fclose(file) == 0);
    file = fopen(path, "a+");
    fputs("last line without end", file);
    rewind(file);
    char *line = NULL;
    size_t size = 0, lines = 0, bytes = 0;
    for (ssize_t length; (length = getline(&line, &size, file)) > 0; lines++)
        bytes += (size_t)length;
    printf("%zu lines, %zu bytes, last: %s\n", lines, bytes, line);
    free(line);
    fclose(file);
    file = fopen(path, "r");
    setvbuf(file, NULL, _IONBF, 0);
    char text[64];
    CHECK(fgets(text, sizeof text, file) && strcmp(text, "line 0 of 500, 0\n") == 0);
    int number;
    CHECK(fscanf(file, "line %d of", &number) == 1 && number == 1);
    fpos_t position;
    CHECK(fgetpos(file, &position) == 0 && fgets(text, 5, file) && fsetpos(file, &position) == 0);
    CHECK(fputs("x", file) == EOF && ferror(file));
    clearerr(file);
    CHECK((file = freopen(path, "r", file)) != NULL && fgetc(file) == 'l');
    fclose(file);

    CHECK(rename(path, other) == 0 && access(path, F_OK) == -1 && errno == ENOENT && access(other, R_OK) == 0);
    CHECK(symlink("renamed", "link") == 0 && readlink("link", text, sizeof text) == 7 && lstat("link", &status) == 0);
    CHECK(S_ISLNK(status.st_mode) && link("renamed", "hard") == 0 && stat("hard", &status) == 0 && status.st_nlink == 2);
    CHECK(mkdir("sub", 0755) == 0 && mkdir("sub", 0755) == -1 && errno == EEXIST);
    CHECK(chmod("renamed", 0600) == 0 && stat("renamed", &status) == 0 && (status.st_mode & 0777) == 0600);
    struct dirent **entries;
    int count = scandir(".", &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        printf("%s%s", entries[i]->d_name, i == count - 1 ? "\n" : " ");
        free(entries[i]);
    }
    free(entries);
    CHECK(fopen("absent", "r") == NULL && errno == ENOENT && fopen("sub", "w") == NULL && errno == EISDIR);

    int descriptor = open("renamed", O_RDWR);
    CHECK(pwrite(descriptor, "PATCH", 5, 100) == 5 && pread(descriptor, text, 5, 100) == 5 && memcmp(text, "PATCH", 5) == 0);
    CHECK(lseek(descriptor, 0, SEEK_CUR) == 0 && lseek(descriptor, -5, SEEK_SET) == -1 && errno == EINVAL);
    unsigned char *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, descriptor, 0);
    CHECK(mapped != MAP_FAILED && memcmp(mapped + 100, "PATCH", 5) == 0);
    munmap(mapped, 4096);
    close(descriptor);
    CHECK(unlink("renamed") == 0 && unlink("hard") == 0 && unlink("link") == 0 && rmdir("sub") == 0);
    CHECK(chdir("/") == 0 && rmdir(folder) == 0 && rmdir(folder) == -1 && errno == ENOENT);

    file = tmpfile();
    CHECK(file && fputs("temporary", file) >= 0);
    rewind(file);
    CHECK(fgets(text, sizeof text, file) && strcmp(text, "temporary") == 0);
    fclose(file);
    char *memory;
    size_t memory_size;
    file = open_memstream(&memory, &memory_size);
    for (int i = 0; i < 1000; i++)
        fprintf(file, "%d,", i);
    fclose(file);
    CHECK(memory_size == 3890 && strlen(memory) == 3890);
    file = fmemopen(memory, memory_size, "r");
    int total = 0;
    while (fscanf(file, "%d,", &number) == 1)
        total += number;
    CHECK(total == 499500);
    fclose(file);
    free(memory);
    return check_finish();
}
