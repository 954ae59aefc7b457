/* Standard error, listened to. */
#ifndef TEST_SILENCE_H
#define TEST_SILENCE_H

struct silence {
    int was, file;
};

/* What is printed there from now on is kept. */
void silence_begin(struct silence *silence);
/* One testOk: nothing was; and it goes where it went before. */
void silence_end(struct silence *silence);

#endif
