#include "sim/release.h"

#include <stdlib.h>
#include <string.h>

#include <cantProceed.h>

#include "sim/data.h"

/* Columns of releases.csv; behind them those of records.csv from its third on. */
enum { TEMPLATE, RECORD, FIRST, LAST, TYPE };
enum { FORMS = 400 };

struct form {
    int first, last;
    struct sim_row row; /* as a row of records.csv */
};

struct sim_release {
    int minor, count;
    struct form form[FORMS];
};

int sim_release_parse(const char *text)
{
    char *end = NULL;
    if (strncmp(text, "3.", 2) != 0 || text[2] < '0' || text[2] > '9') return -1;
    long minor = strtol(text + 2, &end, 10);
    return *end == '\0' && minor <= SIM_RELEASE_NEWEST ? (int)minor : -1;
}

static void add(struct sim_release *release, const struct sim_row *cells)
{
    if (release->count == FORMS) cantProceed("releases.csv has too many rows\n");
    struct form *form = &release->form[release->count++];
    form->first = sim_release_parse(cells->cell[FIRST]);
    form->last = sim_release_parse(cells->cell[LAST]);
    form->row = *cells;
    memmove(form->row.cell[FIRST], form->row.cell[TYPE],
            (SIM_CELLS - TYPE) * sizeof form->row.cell[0]);
}

struct sim_release *sim_release_new(int minor)
{
    struct sim_release *release = callocMustSucceed(1, sizeof *release, "sim_release_new");
    struct sim_row row;
    release->minor = minor;
    const char *next = sim_table_rows(sim_data_releases);
    while (minor != SIM_RELEASE_NEWEST && (next = sim_table_next(next, &row)))
        add(release, &row);
    return release;
}

void sim_release_free(struct sim_release *release)
{
    free(release);
}

bool sim_release_within(const struct sim_release *release, const char *first, const char *last)
{
    return (!*first || release->minor >= sim_release_parse(first)) &&
           (!*last || release->minor <= sim_release_parse(last));
}

static bool covers(const struct sim_release *release, const struct form *form)
{
    return form->first <= release->minor && release->minor <= form->last;
}

static bool is_of(const struct form *form, const char *template_name, const char *record)
{
    return strcmp(form->row.cell[TEMPLATE], template_name) == 0 &&
           strcmp(form->row.cell[RECORD], record) == 0;
}

bool sim_release_has_template(const struct sim_release *release, const char *template_name)
{
    for (int i = 0; i < release->count; i++)
        if (is_of(&release->form[i], template_name, "")) return covers(release, &release->form[i]);
    return true;
}

/* Without a type it is the newest form, and the row only tells since when. */
static bool is_newest(const struct form *form)
{
    return form->last == SIM_RELEASE_NEWEST;
}

enum sim_form sim_release_form(const struct sim_release *release, const char *const *templates,
                               int count, const char *record, const struct sim_row **ret)
{
    for (int t = count - 1; t >= 0; t--) {
        bool listed = false;
        for (int i = 0; i < release->count; i++) {
            const struct form *form = &release->form[i];
            if (!is_of(form, templates[t], record)) continue;
            listed = true;
            if (!covers(release, form)) continue;
            *ret = &form->row;
            return is_newest(form) ? SIM_FORM_NEWEST : SIM_FORM_OLD;
        }
        if (listed) return SIM_FORM_NONE;
    }
    return SIM_FORM_NEWEST;
}

static bool is_gone(const struct sim_release *release, const struct form *old)
{
    for (int i = 0; i < release->count; i++)
        if (is_newest(&release->form[i]) &&
            is_of(&release->form[i], old->row.cell[TEMPLATE], old->row.cell[RECORD]))
            return false;
    return true;
}

void sim_release_gone(const struct sim_release *release, const char *template_name,
                      void (*found)(const struct sim_row *row, void *user), void *user)
{
    for (int i = 0; i < release->count; i++) {
        const struct form *form = &release->form[i];
        if (strcmp(form->row.cell[TEMPLATE], template_name) == 0 && form->row.cell[RECORD][0] &&
            covers(release, form) && is_gone(release, form))
            found(&form->row, user);
    }
}
