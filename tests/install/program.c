/* A program outside the tree: test_install.sh builds it as C and as C++, shared and static. */
#include <cophyd/cophyd.h>
#include <string.h>

int main(int argc, char **argv)
{
    oph_context *ctx = NULL;
    oph_error err = OPH_ERROR_INIT;
    const char *wanted = argc == 2 ? argv[1] : "one argument";

    if (strcmp(oph_version(), wanted) != 0) {
        fprintf(stderr, "wanted version %s, found %s\n", wanted, oph_version());
        return 1;
    }
    if (oph_context_new(NULL, &ctx, &err) != OPH_OK) {
        oph_error_print(&err, stderr);
        return 1;
    }
    /* A wrong text reaches the parser and the built-in classes. */
    oph_class_parse(ctx, "class Wrong : NoSuchBase\n", "program.c", NULL, &err);
    oph_error_print(&err, stdout);
    oph_context_free(ctx);
    return err.code == OPH_OK || strstr(err.text, "NoSuchBase") == NULL;
}
