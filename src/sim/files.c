#include "sim/files.h"

void sim_files_init(struct sim_files *f, struct sim_port *port)
{
    f->path = sim_port_param(port, "FILE_PATH", SIM_TEXT);
    f->name = sim_port_param(port, "FILE_NAME", SIM_TEXT);
    f->format = sim_port_param(port, "FILE_TEMPLATE", SIM_TEXT);
    f->number = sim_port_param(port, "FILE_NUMBER", SIM_INT);
    f->auto_increment = sim_port_param(port, "AUTO_INCREMENT", SIM_INT);
    f->create = sim_port_param(port, "CREATE_DIR", SIM_INT);
    f->exists = sim_port_param(port, "FILE_PATH_EXISTS", SIM_INT);
    f->full = sim_port_param(port, "FULL_FILE_NAME", SIM_TEXT);
}

void sim_files_written(struct sim_files *f, struct sim_param *param)
{
    char path[256]; /* as much as the record holds */
    if (param != f->path) return;
    sim_get_text(f->path, path, sizeof path);
    if (!*path) return; /* so FilePathExists stays undefined until a first path is set */
    sim_path_end_with_slash(path, sizeof path);
    sim_set_text(f->path, path);
    if (!sim_path_is_folder(path)) sim_path_create(path, sim_get_int(f->create));
    sim_set_int(f->exists, sim_path_is_folder(path));
}

int sim_files_format(const struct sim_files *f, int ahead, char *ret, size_t size)
{
    char path[256], name[256], format[256];
    sim_get_text(f->path, path, sizeof path);
    sim_get_text(f->name, name, sizeof name);
    sim_get_text(f->format, format, sizeof format);
    return sim_path_format(format, path, name, sim_get_int(f->number) + ahead, ret, size);
}

void sim_files_took(struct sim_files *f, const char *full)
{
    sim_set_text(f->full, full);
    if (sim_get_int(f->auto_increment)) sim_set_int(f->number, sim_get_int(f->number) + 1);
}
