/* The tables and definitions that the simulator carries. Each ends with a NUL. */
    .macro embed name, file
    .globl \name
    .type \name, @object
\name:
    .incbin "\file"
    .byte 0
    .size \name, . - \name
    .endm

    .section .rodata
    embed sim_data_records, "sim/data/records.csv"
    embed sim_data_fields, "sim/data/fields.csv"
    embed sim_data_releases, "sim/data/releases.csv"
    embed sim_data_boot, "sim/data/boot.csv"
    embed sim_data_dbd, "sim/data/sim.dbd"
    .section .note.GNU-stack, "", @progbits
