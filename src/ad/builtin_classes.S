/* The text of the built-in classes, and the table that lists them. */
        .macro text name
        .section .rodata.oph__class_\name, "a", %progbits
oph__class_\name:
        .incbin "ad/classes/\name\().class"
        .byte 0
        .section .rodata.oph__class_names, "a", %progbits
oph__class_name_\name:
        .asciz "\name\().class"
        .section .data.rel.ro.oph__builtin_classes, "aw", %progbits
        .dc.a oph__class_name_\name
        .dc.a oph__class_\name
        .endm

        .section .data.rel.ro.oph__builtin_classes, "aw", %progbits
        .balign 8
        .globl oph__builtin_classes
        .hidden oph__builtin_classes
        .type oph__builtin_classes, %object
oph__builtin_classes:
        text ndarray
        text camera
        text plugin
        text file
        text hdf5
        text files
        text image
        text statistics
        text flow
        text network
        text other
        text file_store
        text pilatus
        text simdetector
        text cameras_xray
        text cameras_ccd
        text cameras_video
        text picam
        text detector
        text common
        text motor
        .dc.a 0
        .dc.a 0
        .size oph__builtin_classes, . - oph__builtin_classes

        .section .note.GNU-stack, "", %progbits
