/* The words of the class text: lines, quotes, names, versions, values. */
#include "base/str.h"
#include "core/class_parts.h"
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

const char *oph__line_wrong(const char *line, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)line[i];
        size_t step = oph__utf8_length(line + i, len - i);
        if (step == 0) return "the line is not UTF-8";
        if ((c < 0x20 && c != '\t') || c == 0x7F) return "a control character in the line";
        i += step;
    }
    return NULL;
}

/* Takes the text in quotes at *p, without them, to *out; both move on. */
static const char *take_quoted(char **p, char **out)
{
    char *from = *p + 1, *to = *out;

    for (; *from != '"'; from++) {
        if (*from == '\0') return "a quote that does not end in this line";
        if (*from == '\\' && from[1] != '"' && from[1] != '\\')
            return "in quotes a backslash stands before \" or another \\: write \\\\ for one";
        if (*from == '\\') from++;
        *to++ = *from;
    }
    *p = from + 1;
    *out = to;
    return **p && !is_blank(**p) ? "text right after the end of a quote" : NULL;
}

/* Takes the word at *p. It only gets shorter, so it is written over itself. */
static const char *take_word(char **p, struct oph__word *word)
{
    char *from = *p, *to = *p;

    *word = (struct oph__word){.text = *p};
    while (*from && !is_blank(*from)) {
        bool may_quote = to == word->text || (word->eq && to == word->eq + 1);
        if (*from == '"' && !may_quote) return "a quote in the middle of a word";
        if (*from == '"') {
            const char *wrong = take_quoted(&from, &to);
            if (wrong) return wrong;
            word->quoted = true;
            break;
        }
        if (*from == '=' && !word->eq) word->eq = to;
        *to++ = *from++;
    }
    *p = *from ? from + 1 : from;
    *to = '\0';
    return NULL;
}

const char *oph__words_split(char *line, struct oph__line_words *ret)
{
    ret->count = 0;
    for (char *p = line;;) {
        while (is_blank(*p))
            p++;
        if (*p == '\0' || *p == '#') return NULL;
        if (ret->count == OPH__MAX_WORDS) return "more than 64 words in a line: use several lines";
        const char *wrong = take_word(&p, &ret->at[ret->count++]);
        if (wrong) return wrong;
    }
}

void oph__word_add(struct oph__buf *buf, const char *text, bool quoted)
{
    if (*text && !quoted && !strpbrk(text, " \t\"\\#")) {
        oph__buf_add(buf, text);
        return;
    }
    oph__buf_add(buf, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') oph__buf_add(buf, "\\");
        oph__buf_add_n(buf, text, 1);
    }
    oph__buf_add(buf, "\"");
}

static bool is_path(const char *text, bool dots)
{
    bool start = true;

    for (; *text; text++) {
        if (dots && !start && *text == '.')
            start = true;
        else if (is_lower(*text) || (!start && (is_digit(*text) || *text == '_')))
            start = false;
        else
            return false;
    }
    return !start;
}

bool oph__is_attr(const char *text)
{
    return is_path(text, true);
}

bool oph__is_name(const char *text)
{
    return is_path(text, false);
}

bool oph__is_class_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return n > 0 && text[n] == '\0' && !is_digit(*text);
}

/* Up to three digits. */
static bool take_number(const char **p, int *ret)
{
    const char *start = *p;

    *ret = 0;
    while (is_digit(**p) && *p - start < 4)
        *ret = 10 * *ret + *(*p)++ - '0';
    return *p > start && *p - start < 4;
}

int oph__version_parse(const char *text)
{
    int part[3] = {0, 0, 0};
    const char *p = text;

    if (!p) return -1;
    if (*p == 'R') p++;
    if (!take_number(&p, &part[0])) return -1;
    if ((*p != '.' && *p != '-') || (p++, !take_number(&p, &part[1]))) return -1;
    if ((*p == '.' || *p == '-') && (p++, !take_number(&p, &part[2]))) return -1;
    return *p ? -1 : 1000 * part[0] + part[1];
}

struct oph__literal oph__literal_of(const char *word, bool quoted)
{
    struct oph__literal lit = {.kind = OPH__LIT_TEXT, .text = word};
    bool number = !quoted && word[strspn(word, "0123456789+-.eE")] == '\0';

    /* strtod's other forms, nan and hexadecimal, may be labels. */
    if (number && oph__to_int(word, &lit.i)) {
        lit.kind = OPH__LIT_INT;
        lit.f = (double)lit.i;
    } else if (number && oph__to_double(word, &lit.f)) {
        lit.kind = OPH__LIT_FLOAT;
    }
    return lit;
}

enum { LONGEST_NAME = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters one must put in, take out, change, or swap with the next, to make one word the
 * other. Row i of the table is kept in rows[i % 3]. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_NAME + 1], m = strlen(a), n = strlen(b);

    if (m > LONGEST_NAME || n > LONGEST_NAME) return SIZE_MAX;
    for (size_t i = 0; i <= m; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        for (size_t j = 0; j <= n; j++) {
            if (i == 0 || j == 0) {
                now[j] = i + j;
                continue;
            }
            now[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return rows[m % 3][n];
}

void oph__near_try(struct oph__near *near, const char *name)
{
    size_t distance = edit_distance(near->word, name);

    /* What shares less than half its letters is no slip of the finger. */
    if (distance > strlen(near->word) / 2 || (near->best && distance >= near->distance)) return;
    near->best = name;
    near->distance = distance;
}

char *oph__near_text(const struct oph__near *near, char *dst, size_t size)
{
    if (near->best) return oph__format(dst, size, "; the nearest is %s", near->best);
    return oph__copy(dst, size, "");
}
