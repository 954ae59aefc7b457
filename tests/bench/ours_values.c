/* Puts with completion, and images of 24 MiB. */
#include "bench/ours.h"

#include <stdlib.h>

struct client {
    oph_context *ctx;
    oph_signal *signals[SIGNALS];
    oph_group *group; /* of puts to them all */
    oph_signal *next; /* makes the image a new one */
    oph_subscription *images;
    struct count count;
    int32_t pixels[IMAGE];
};

static const oph_put_options complete = {.size = sizeof complete, .policy = OPH_PUT_COMPLETE};

static struct client *new_client(void)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c != NULL, "no memory");
    c->ctx = ours_context();
    count_init(&c->count);
    return c;
}

void *put_set_up(void)
{
    struct client *c = new_client();
    oph_device *dev = ours_device(c->ctx, "Many", 0, SIGNALS);
    oph_error err = OPH_ERROR_INIT;

    ours_connect(dev);
    ours_find(dev, c->signals);
    ours_need(oph_group_new(c->ctx, &c->group, &err), &err);
    for (int i = 0; i < SIGNALS; i++)
        ours_need(oph_group_put(c->group, c->signals[i], OPH_DOUBLE(i), &complete, &err), &err);
    return c;
}

void put_one_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < SIGNALS; i++)
        ours_need(oph_signal_put(c->signals[i], OPH_DOUBLE(i), &complete, &err), &err);
    ret->value = (side_now() - started) / SIGNALS;
}

void put_all_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < READS; i++)
        ours_need(oph_group_run(c->group, PATIENCE, NULL, &err), &err);
    ret->value = (side_now() - started) / READS;
}

void *image_set_up(void)
{
    struct client *c = new_client();
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;

    ours_parse(c->ctx, "class Image\n"
                       "row image array ro array config\n"
                       "row next array.PROC rw int config\n");
    ours_need(oph_device_new(c->ctx, "Image", "b:", "image", &dev, &err), &err);
    ours_find(dev, c->signals);
    c->next = c->signals[1];
    return c;
}

void image_get_round(void *state, struct measure *ret)
{
    struct client *c = state;
    ret->value = ours_gets(c->signals[0], c->pixels, IMAGE, IMAGES);
}

static void came(const oph_event *event, void *user)
{
    struct client *c = user;
    const oph_value *value = oph_event_value(event);

    if (oph_event_kind(event) != OPH_EVENT_VALUE) return;
    const int32_t *pixels = oph_value_data(value);
    side_need(oph_value_count(value) == IMAGE && pixels[IMAGE - 1] == IMAGE - 1,
              "ours: a wrong image");
    count_one(&c->count);
}

/* From the wish for a new image until it is here. Only who has its turn follows the image: the IOC
 * sends it to all who do. */
void image_monitor_round(void *state, struct measure *ret)
{
    const oph_put_options send = {.size = sizeof send, .policy = OPH_PUT_SEND};
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;

    count_expect(&c->count, 1);
    ours_need(oph_subscribe(c->signals[0], NULL, came, c, &c->images, &err), &err);
    count_wait(&c->count);
    double started = side_now();
    for (int i = 0; i < IMAGES; i++) {
        count_expect(&c->count, 1);
        ours_need(oph_signal_put(c->next, OPH_INT(1), &send, &err), &err);
        count_wait(&c->count);
    }
    ret->value = (side_now() - started) / IMAGES;
    oph_subscription_free(c->images);
}
