/* Our side of the benches of frames, and, as `codec`, the decoders alone with the same threads. */
#include "bench/side.h"
#include "h5/h5.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_THREADS = 64, RING = 4 };

static void need(int rc, const oph_error *err)
{
    side_need(rc == 0, err->text);
}

static oph_frames *open_frames(const char *name)
{
    const char *folder = getenv("FRAMES");
    char path[400];
    oph_frames *frames;
    oph_error err;

    side_need(folder != NULL, "wanted FRAMES, the folder of the files");
    snprintf(path, sizeof path, "%s/%s.h5", folder, name);
    need(oph_frames_open(path, NULL, OPH_DEFAULT, &frames, &err), &err);
    return frames;
}

static oph_frames_info describe(oph_frames *frames)
{
    oph_frames_info info = {.size = sizeof info};
    oph_error err;

    need(oph_frames_describe(frames, &info, &err), &err);
    return info;
}

/* --- Frame by frame */

static void iterate(void *state, struct measure *ret)
{
    oph_frames *frames = state;
    oph_frames_iter *iter;
    const void *pixels;
    oph_error err;
    double started = side_now();

    need(oph_frames_iter_new(frames, NULL, &iter, &err), &err);
    do
        need(oph_frames_iter_next(iter, &pixels, NULL, &err), &err);
    while (pixels);
    oph_frames_iter_free(iter);
    ret->value = side_now() - started;
}

/* --- How it grows with the frames of a file, in seconds of CPU */

static void *nothing(void)
{
    return NULL;
}

static void grow_round(void *state, struct measure *ret)
{
    char name[32];
    double started = side_cpu();
    (void)state;
    snprintf(name, sizeof name, "grow_%d", side_size());
    oph_frames *frames = open_frames(name);
    iterate(frames, ret);
    oph_frames_free(frames);
    ret->value = side_cpu() - started;
}

/* --- All into one new buffer */

static void read_all(void *state, struct measure *ret)
{
    oph_frames *frames = state;
    oph_frames_info info = describe(frames);
    size_t bytes = (size_t)(info.shape[0] * info.frame_bytes);
    void *buffer;
    oph_error err;
    double started = side_now();

    need(oph_frames_buffer_new(bytes, &buffer, &err), &err);
    need(oph_frames_read(frames, 0, info.shape[0], buffer, bytes, &err), &err);
    ret->value = side_now() - started;
    oph_frames_buffer_free(buffer);
}

/* --- The codec alone: chunks in memory, as the file has them */

struct codec {
    oph_frames *frames;
    int count, threads;
    unsigned char **chunks;
    struct oph__place *places;
    unsigned char *rings[MOST_THREADS];
    struct oph__lane lanes[MOST_THREADS];
    atomic_int next, lane;
};

static void load(struct codec *c, int i)
{
    struct oph__piece piece = {.at = {(hsize_t)i}};

    side_need(!oph__locate(c->frames, &c->frames->image, &piece, &c->places[i]), "no chunk");
    c->chunks[i] = malloc(c->places[i].size);
    side_need(c->chunks[i] &&
                  oph__source_fetch(&c->frames->source, c->places[i].address, c->chunks[i],
                                    c->places[i].size) == c->places[i].size,
              "no chunk");
}

static void *set_up_codec(const char *name)
{
    struct codec *c = calloc(1, sizeof *c);

    side_need(c != NULL, "no memory");
    c->frames = open_frames(name);
    c->count = (int)c->frames->image.dims[0];
    c->threads = c->frames->pool.most;
    c->chunks = calloc((size_t)c->count, sizeof *c->chunks);
    c->places = calloc((size_t)c->count, sizeof *c->places);
    for (int i = 0; i < c->count; i++)
        load(c, i);
    for (int i = 0; i < c->threads; i++)
        c->rings[i] = malloc(RING * c->frames->image.chunk_bytes);
    return c;
}

static void *decode(void *arg)
{
    struct codec *c = arg;
    const struct oph__image *image = &c->frames->image;
    int lane = atomic_fetch_add(&c->lane, 1);

    for (int i; (i = atomic_fetch_add(&c->next, 1)) < c->count;)
        side_need(!oph__undo(&image->filters, 0, image->item_bytes, &c->lanes[lane], c->chunks[i],
                             c->places[i].size,
                             c->rings[lane] + (size_t)(i % RING) * image->chunk_bytes,
                             image->chunk_bytes),
                  "a damaged chunk");
    return NULL;
}

static void decode_all(void *state, struct measure *ret)
{
    struct codec *c = state;
    pthread_t threads[MOST_THREADS];
    double started = side_now();

    atomic_store(&c->next, 0);
    atomic_store(&c->lane, 0);
    for (int i = 1; i < c->threads; i++)
        side_need(pthread_create(&threads[i], NULL, decode, c) == 0, "no thread");
    decode(c);
    for (int i = 1; i < c->threads; i++)
        pthread_join(threads[i], NULL);
    ret->value = side_now() - started;
}

/* --- One function a file, as the table wants them */

#define FILES(use)                                                                                 \
    use(none) use(lz4) use(bslz4) use(blosc) use(deflate) use(contiguous) use(many) use(few)
#define SET_UP(name)                                                                               \
    static void *open_##name(void)                                                                 \
    {                                                                                              \
        return open_frames(#name);                                                                 \
    }                                                                                              \
    static void *codec_##name(void)                                                                \
    {                                                                                              \
        return set_up_codec(#name);                                                                \
    }
FILES(SET_UP)
#define OURS(name) {"frames_" #name, open_##name, iterate}, {"stack_" #name, open_##name, read_all},
#define CODEC(name) {"frames_" #name, codec_##name, decode_all},

int main(int argc, char **argv)
{
    static const struct bench ours[] = {FILES(OURS){"grow_frames", nothing, grow_round},
                                        {NULL, NULL, NULL}};
    static const struct bench codec[] = {FILES(CODEC){NULL, NULL, NULL}};
    bool is_codec = argc > 1 && strcmp(argv[1], "codec") == 0;

    return side_run(argc - is_codec, argv + is_codec, is_codec ? codec : ours);
}
