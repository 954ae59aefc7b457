/* An observer of an IOC in plain libca, independent of the library under test: names without the
 * prefix, values as numbers or text, and the ordered log of the updates of what it watches. Every
 * call has a deadline. What fails is told as a diagnostic; the call then returns -1 or NAN. */
#ifndef TEST_PROBE_H
#define TEST_PROBE_H

#include <stddef.h>

struct probe;

/* After sim_start, which says where to look. */
struct probe *probe_new(const char *prefix);
void probe_free(struct probe *probe);
/* The calling thread may use it too, while its own waits. */
void probe_attach(struct probe *probe);

/* Connects many at once; the other calls connect what they need one by one. */
int probe_connect(struct probe *probe, const char *const *names, int count);
/* Only searches: those that the IOC has are found before what is connected to afterwards. */
void probe_search(struct probe *probe, const char *const *names, int count);
int probe_found(struct probe *probe, const char *name);

/* Waits until the channel is up (1) or down (0), at most that many seconds: 0, or -1. One that was
 * not used before is only asked for. */
int probe_until_up(struct probe *probe, const char *name, int up, double seconds);

/* Enumerations as their label, CHAR arrays as text, the rest as libca prints it. */
int probe_get(struct probe *probe, const char *name, char *ret, size_t size);
/* Many at once, each into its own text of `size`. */
int probe_get_all(struct probe *probe, const char *const *names, int count, char *const *ret,
                  size_t size);
double probe_get_number(struct probe *probe, const char *name);
int probe_get_severity(struct probe *probe, const char *name);
/* Up to count elements; returns how many there are, or -1. */
long probe_get_longs(struct probe *probe, const char *name, int *ret, long count);

/* A value as it came: its own type, "DOUBLE" as a word, and the time as on the wire, since 1990. */
struct probe_value {
    char type[16];
    long count;
    int status, severity;
    unsigned seconds, nanoseconds;
    void *data; /* yours to free */
    size_t bytes;
};
int probe_read(struct probe *probe, const char *name, struct probe_value *ret);

/* As text: labels, numbers; CHAR arrays take the whole text. */
int probe_put(struct probe *probe, const char *name, const char *value);
/* Waits for completion at most that many seconds. */
int probe_put_complete(struct probe *probe, const char *name, const char *value, double seconds);
/* The same for a number, which an enumeration takes without looking for a label. */
int probe_put_number_complete(struct probe *probe, const char *name, double value, double seconds);
/* Starts a put with completion; probe_completed waits for it. One at a time for a name. */
int probe_put_start(struct probe *probe, const char *name, const char *value);
int probe_completed(struct probe *probe, const char *name, double seconds);

/* Watching starts with one update. */
int probe_watch(struct probe *probe, const char *const *names, int count);

struct probe_event {
    const char *name;
    char value[600];
    int severity;
    double time; /* seconds since probe_new */
};

/* Where the log ends now. Events are read and waited for from such a mark. */
int probe_mark(struct probe *probe);
/* The event at index, or 0 behind the end. */
int probe_event(struct probe *probe, int index, struct probe_event *ret);
/* The index of the first event from index on of that name and value (NULL: any); waits for it at
 * most that many seconds, then returns -1. */
int probe_wait(struct probe *probe, int index, const char *name, const char *value, double seconds);
/* Waits until a fresh read gives this value. */
int probe_until(struct probe *probe, const char *name, const char *value, double seconds);
/* Prints the log from index on as diagnostics. */
void probe_tell(struct probe *probe, int index);

/* Tests of their own, told with testOk. */
void probe_is(struct probe *probe, const char *name, const char *wanted);   /* a fresh read */
void probe_is_number(struct probe *probe, const char *name, double wanted); /* likewise */
/* Within 10 s: frames come to the last of a chain after the acquisition. */
void probe_becomes(struct probe *probe, const char *name, const char *wanted);
void probe_set(struct probe *probe, const char *name, const char *value); /* completes within 5 s */
/* The updates of that name from index on are just these, in this order; waits for each at most 5 s.
 */
void probe_went(struct probe *probe, int index, const char *name, const char *const *wanted);
#define PROBE_WENT(probe, index, name, ...)                                                        \
    probe_went(probe, index, name, (const char *const[]){__VA_ARGS__, NULL})

/* What a client sees of a channel. */
struct probe_facts {
    char type[16], units[16], labels[512];
    long count;
    int writable, precision, severity; /* precision -1: not a floating-point number */
    double low, high;                  /* of control */
    double display_low, display_high, warning_low, warning_high, alarm_low, alarm_high;
};
int probe_describe(struct probe *probe, const char *name, struct probe_facts *ret);

#endif
