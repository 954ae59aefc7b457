/* A journal as text: what a stage changes, so that another process can put it back.
 *
 * One statement a line, words separated by one blank. "Quotes" hold text, with \" \\ and \xHH.
 *
 *   cophyd-journal 1
 *   user UID
 *   host "NAME"
 *   staged-by PROCESS      who staged: pid, start, pid namespace, "boot", "program"
 *   held-by PROCESS        who holds it now, or held it last: an oph_recover after that
 *   since SECONDS          Unix time of the stage
 *   device "PATH" "PREFIX" PVs begin with it, but for those of a child: it may have its parent's
 *   server "127.0.0.1:5064"
 *   set "DEVICE" "ATTR" "PV" "READBACK" "BUSY" "SERVER" HOW TYPE FLAGS SLOW "TEXT" staged VALUE
 *       later COUNT VALUE... was VALUE ALARM read VALUE ALARM   (all on one line)
 *   end COUNT CHECKSUM     of settings; FNV-1a of all before this line
 *
 * HOW and TYPE are as in a class. READBACK is "" where the row has one PV. BUSY is the PV that says
 * whether what a start row started still works, or "". FLAGS are c (counter), m (moves) and s
 * (starts something), or -. What is `later` are values that the trigger writes.
 *
 * VALUE is DTYPE COUNT and the elements: numbers; for uint8 one text of them all; a text each for
 * `text`; for enum index and label each. `none 0` is no value. ALARM is STATUS SEVERITY.
 *
 * The file may have been edited, or cut: the parser believes nothing. */
#ifndef CORE_JOURNAL_TEXT_H
#define CORE_JOURNAL_TEXT_H

#include "base/process.h"
#include "base/str.h"
#include "core/value.h"

enum {
    OPH__JOURNAL_MAX = 64 << 20,  /* bytes of one file */
    OPH__JOURNAL_HEAD_MAX = 4096, /* of the lines before its settings, whose texts are bounded */
};

struct oph__journal_head {
    uint32_t uid;
    char host[128];
    struct oph__process staged_by, held_by;
    int64_t since;
    char device[256], prefix[128];
    char server[64]; /* of its first setting */
};

/* One setting. Written: pointers and values are borrowed. Parsed: its own. */
struct oph__record {
    const char *device, *attr, *pv, *readback, *busy, *server;
    enum oph__how how;
    enum oph__rowtype type;
    bool counter, moves, starts;
    double slow;
    const char *text; /* the staged value as a person writes it */
    struct oph_value staged, set, read;
    struct oph_value *later; /* that the trigger writes after the staged one */
    size_t later_count;
    const struct oph__chan_info *info;  /* written: of the setpoint, for the labels; or NULL */
    const char *set_label, *read_label; /* parsed: of an original that is an enum; else NULL */
};

void oph__journal_text_begin(struct oph__buf *buf, const struct oph__journal_head *head);
void oph__journal_text_add(struct oph__buf *buf, const struct oph__record *record);
void oph__journal_text_end(struct oph__buf *buf, size_t count);

struct oph__journal_content {
    struct oph__journal_head head;
    struct oph__vec records; /* struct oph__record */
};
/* OPH_EPARSE names the file and the line; *ret is then empty. */
int oph__journal_parse(const char *text, size_t length, const char *file,
                       struct oph__journal_content *ret, oph_error *err);
/* Its device and prefix alone, whatever stands around them, and the checksum unseen: enough to tell
 * that a journal does not matter, not that it does. */
int oph__journal_parse_device(const char *text, size_t length, struct oph__journal_head *ret);
void oph__journal_content_clear(struct oph__journal_content *content);

/* FNV-1a, 64 bits. */
uint64_t oph__journal_sum(const char *text, size_t length);

#endif
