/* The file name parameters that cameras and file plugins share (the NDFile template). */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include "sim/path.h"
#include "sim/port.h"

struct sim_files {
    struct sim_param *path, *name, *format, *number, *auto_increment, *create, *exists, *full;
};

void sim_files_init(struct sim_files *files, struct sim_port *port);

/* Acts on a write of FilePath; others are left alone. */
void sim_files_written(struct sim_files *files, struct sim_param *param);

/* The name that FileNumber + ahead gives now. -1: the template makes none. */
int sim_files_format(const struct sim_files *files, int ahead, char *ret, size_t size);

/* After a file was named so: FullFileName, and FileNumber moves on if AutoIncrement is on. */
void sim_files_took(struct sim_files *files, const char *full);

#endif
