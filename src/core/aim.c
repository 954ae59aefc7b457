#include "core/aim.h"
#include "base/str.h"
#include <math.h>

bool oph__aim_likes(const struct oph__aim *aim, const struct oph_value *value)
{
    if (aim->expect && oph__matches(value, aim->expect, &aim->how) == aim->differ) return false;
    return !aim->test || aim->test(value, aim->user);
}

/* Not near enough any more to where it began to stay. */
static bool has_moved(const struct oph__aim *aim)
{
    const struct oph__wire anchor = {
        .dtype = aim->anchor.dtype, .count = aim->anchor.count, .data = aim->anchor.data};
    return !oph__matches(&aim->last, &anchor, &aim->how);
}

void oph__aim_see(struct oph__aim *aim, const struct oph__event *event, bool likes, double now)
{
    bool any = !aim->expect && !aim->test; /* then it is the value itself that must stay */
    bool held = aim->holds;
    if (oph__aim_due(aim) <= now) aim->reached = true;
    if (aim->reached) return;
    aim->holds = oph__value_take(&aim->last, event) && likes;
    if (!aim->holds) return;
    if (held && !(any && has_moved(aim))) return;
    aim->since = now;
    if (any && !oph__value_take(&aim->anchor, event)) aim->holds = false;
    aim->reached = aim->holds && !(aim->stable > 0);
}

double oph__aim_due(const struct oph__aim *aim)
{
    if (aim->reached) return 0;
    return aim->holds ? aim->since + aim->stable : (double)INFINITY;
}

char *oph__aim_show(const struct oph__aim *aim, const struct oph__chan_info *info, char *dst,
                    size_t size)
{
    char shown[256] = "a value", stays[64] = "";
    if (aim->test) oph__copy(shown, sizeof shown, "a value that passes the test");
    if (aim->expect) {
        const struct oph_value v = oph__wire_value(aim->expect);
        oph__value_show(&v, info, shown, sizeof shown);
    }
    if (aim->stable > 0)
        oph__format(stays, sizeof stays, "%s for %g s",
                    aim->expect || aim->test ? "" : " that stays", aim->stable);
    return oph__format(dst, size, "%s%s%s", aim->differ ? "anything but " : "", shown, stays);
}

void oph__aim_clear(struct oph__aim *aim)
{
    oph__value_clear(&aim->last);
    oph__value_clear(&aim->anchor);
}
