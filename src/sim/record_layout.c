#include "sim/record_layout.h"

#include <string.h>

#include <dbAccess.h>
#include <dbBase.h>
#include <dbStaticLib.h>

static const dbFldDes *common_field(const dbRecordType *bo, const char *name)
{
    for (int i = 0; i < bo->no_fields; i++)
        if (strcmp(bo->papFldDes[i]->name, name) == 0) return bo->papFldDes[i];
    return NULL;
}

int sim_record_layout(dbRecordType *type, size_t record_size, const struct sim_field *own,
                      size_t own_count)
{
    DBENTRY entry;
    dbInitEntry(pdbbase, &entry);
    int rc = dbFindRecordType(&entry, "bo") == 0 ? 0 : -1;
    const dbRecordType *bo = entry.precordType;
    for (int i = 0; rc == 0 && i < type->no_fields; i++) {
        dbFldDes *field = type->papFldDes[i];
        size_t k = 0;
        while (k < own_count && strcmp(own[k].name, field->name) != 0)
            k++;
        if (k < own_count) {
            field->offset = (unsigned short)own[k].offset;
            field->size = (short)own[k].size;
            continue;
        }
        const dbFldDes *common = common_field(bo, field->name);
        if (!common) {
            rc = -1;
            break;
        }
        field->offset = common->offset;
        field->size = common->size;
    }
    dbFinishEntry(&entry);
    type->rec_size = (int)record_size;
    return rc;
}
