# cophyd. ./configure writes build/config.mak; everything that is made goes under build/.
#
#   make              libraries and programs        make V=1        shows the commands
#   make demo         the demonstration             make check      all tests
#   make lint layers  rules that programs can check make format     clang-format, in place
#   make check-files  the simulator's files read by h5py and tifffile
#   make check-documents  what runs emit, by event-model's schemas, and in Kafka, databroker and Tiled
#   make python       the package cophyd for Python: build/python; make wheel   the same for pip
#   make check-python its tests, with bluesky's RunEngine, databroker and Tiled (PYTEST='-k NAME' runs some)
#   make check-hosts  programs in other languages, and the wheel
#   make trust        faults, random runs, soak, fuzz: what was attacked, in one table (TRUST=long: for hours)
#   make soak         acquisitions and random runs for hours
#   make asan tsan    the tests under sanitizers    make abi-names  after a new public function
#   make coverage     which lines and branches of src the tests reach, and which errors none makes
#   make check-fuzz   the fuzz targets, for a moment, by the same inputs each time
#   make fuzz         the same, at random, for FUZZ_TIME=600 seconds each, and MUTANTS=50000 HDF5
#                     files; FUZZ=NAME runs that target
#   make docs         reference pages for a browser, and man pages: build/docs
#   make platforms    other compilers, machines, EPICS and HDF5
#   make bench        speed beside the alternatives make bench BENCH=NAME   runs that one
#   make install uninstall PREFIX=DIR DESTDIR=DIR   make clean distclean

ifeq ($(wildcard build/config.mak),)
ifneq ($(MAKECMDGOALS),distclean)
$(error not configured: run ./configure)
endif
endif
-include build/config.mak

B = build
O = $(B)/obj
VERSION := $(shell sed -n 's/^.define OPH_VERSION_[MP].* //p' include/cophyd/version.h | paste -sd.)
SO_MAJOR := libcophyd.so.0
SO := libcophyd.so.$(VERSION)
DOC_SO_MAJOR := libcophyd-doc.so.0
DOC_SO := libcophyd-doc.so.$(VERSION)

ifeq ($(V),1)
say = @:
Q =
else
say = @printf '  %-5s %s\n'
Q = @
endif

# --- Flags

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2 \
    $(COMPILER_WARNINGS)
WERROR = -Werror
BASE = -std=c11 -D_GNU_SOURCE -pthread $(WARNINGS) $(WERROR) $(CFLAGS) $(SANITIZE) -MMD -MP -Isrc -Iinclude
FILTER_CFLAGS = $(LZ4_CFLAGS) $(BLOSC_CFLAGS) $(DEFLATE_CFLAGS)
ALL_CFLAGS = $(EPICS_CFLAGS) $(HDF5_CFLAGS) $(UUID_CFLAGS) $(FILTER_CFLAGS)
ALL_LIBS = $(EPICS_LIBS) $(HDF5_LIBS) $(UUID_LIBS) $(LZ4_LIBS) $(BLOSC_LIBS) $(DEFLATE_LIBS) -pthread -lm

# Each folder sees the headers of what it may use, and no others.
$(O)/ca/%.o: NEEDS = $(EPICS_CFLAGS)
$(O)/h5/%.o: NEEDS = $(HDF5_CFLAGS) $(FILTER_CFLAGS)
$(O)/ad/%.o: NEEDS = $(UUID_CFLAGS)
# librdkafka's macros have statements in expressions, which clang warns of.
$(O)/doc/%.o: NEEDS = -Wno-gnu-statement-expression $(UUID_CFLAGS) $(JANSSON_CFLAGS) $(RDKAFKA_CFLAGS)
$(O)/cli/%.o: NEEDS = $(JANSSON_CFLAGS) $(PNG_CFLAGS)
$(O)/sim/%.o: NEEDS = $(SIM_CFLAGS) $(HDF5_CFLAGS) $(LZ4_CFLAGS) $(BLOSC_CFLAGS) -DSIM_DBD_DIR='"$(SIM_DBD_DIR)"'

# --- What there is

LIB_SRC := $(wildcard $(patsubst %,src/%/*.c,base ca core h5 ad) src/ad/*.S)
LIB_OBJ := $(patsubst src/%,$(O)/%.o,$(LIB_SRC))
DOC_SRC := $(if $(JANSSON_LIBS),$(wildcard src/doc/*.c))
DOC_OBJ := $(patsubst src/%,$(O)/%.o,$(DOC_SRC))
KIT_OBJ := $(patsubst src/%,$(O)/%.o,$(wildcard src/kit/*.c))
CLI_OBJ := $(if $(DOC_SRC),$(patsubst src/%,$(O)/%.o,$(wildcard src/cli/*.c)))
CLI := $(if $(CLI_OBJ),$(B)/bin/cophyd)
SIM_SRC := $(wildcard src/sim/*.c src/sim/*.S)
SIM_OBJ := $(patsubst src/%,$(O)/%.o,$(SIM_SRC))
# Without jansson what needs it is left out.
with_doc = $(if $(JANSSON_LIBS),$(1),$(filter-out $(2),$(1)))
with_kafka = $(if $(RDKAFKA_LIBS),$(1),$(filter-out $(2),$(1)))
TEST_LIB := $(patsubst tests/%,$(B)/tests/%.o,$(call with_doc,$(wildcard tests/lib/*.c),tests/lib/documents.c))
UNIT := $(patsubst %.c,$(B)/%,$(call with_doc,$(wildcard tests/unit/test_*.c),tests/unit/test_doc_%))
UNIT := $(call with_kafka,$(UNIT),$(B)/tests/unit/test_doc_kafka $(B)/tests/unit/test_doc_kafka_stuck)
UNIT := $(filter-out $(if $(PNG_LIBS),,%/test_picture_png) $(if $(JANSSON_LIBS),,%/test_view_files),$(UNIT))
EXAMPLES := $(patsubst examples/%.c,$(B)/bin/%,$(call with_doc,$(wildcard examples/*.c),examples/count.c examples/scan.c examples/kafka.c))
# An object without a source goes when the folder that had it changes.
LIB_DIRS := $(sort $(dir $(LIB_SRC)))
SIM_DIRS := $(sort $(dir $(SIM_SRC)))
DOC_DIRS := $(sort $(dir $(DOC_SRC)))
CLI_DIRS := src/cli/
LIBS := $(B)/lib/$(SO) $(B)/lib/libcophyd.a
ifneq ($(DOC_SRC),)
DOC_LIBS := $(B)/lib/$(DOC_SO) $(B)/lib/libcophyd-doc.a
endif
HEADERS := $(call with_doc,$(wildcard include/cophyd/*.h),include/cophyd/documents.h)
ifneq ($(SIM_LIBS),)
SIM := $(B)/bin/cophyd-sim
KIT := $(B)/lib/libcophyd-simulator.a
IOC := $(patsubst %.c,$(B)/%,$(call with_doc,$(wildcard tests/ioc/test_*.c),tests/ioc/test_doc_%))
IOC := $(call with_kafka,$(IOC),$(B)/tests/ioc/test_doc_kafka)
PLAIN := $(B)/tests/ioc/plain_ioc
endif
SCRIPTS := $(filter-out $(if $(SIM_LIBS),,tests/ioc/%),$(wildcard tests/*/test_*.sh)) \
    $(if $(and $(SIM_LIBS),$(CLI)),$(wildcard tests/cli/test_*.py))
KAFKA := $(if $(and $(DOC_SRC),$(RDKAFKA_LIBS)),$(patsubst %,$(B)/tests/documents/%,broker consumer))
COUNTS := $(filter-out $(B)/tests/documents/broker $(B)/tests/documents/consumer,$(if $(DOC_SRC),$(patsubst %.c,$(B)/%,$(wildcard tests/documents/*.c))))
SOAK := $(B)/tests/soak/soak $(B)/tests/random/random
DEMO := $(patsubst %.c,$(B)/%,$(wildcard tests/demo/*.c))

.PHONY: all demo check check-files check-documents check-python check-hosts python wheel bench docs lint layers format
.PHONY: asan tsan abi-names
.PHONY: trust soak coverage fuzz check-fuzz fuzz-targets install uninstall clean distclean
.DELETE_ON_ERROR:
.SECONDARY:
all: $(LIBS) $(DOC_LIBS) $(SIM) $(KIT) $(CLI) $(EXAMPLES)

# --- The library

$(O)/%.c.o: src/%.c build/config.mak
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -fPIC $(if $(filter $(O)/sim/%,$@),,-fvisibility=hidden) $(NEEDS) -c -o $@ $<

$(O)/%.S.o: src/%.S build/config.mak
	$(say) AS $<
	@mkdir -p $(@D)
	$(Q)$(CC) -Isrc -Wa,--noexecstack -c -o $@ $<
# The assembler does not tell which files it embeds.
$(filter $(O)/ad/%.S.o,$(LIB_OBJ)): $(wildcard src/ad/classes/*)
$(filter $(O)/sim/%.S.o,$(SIM_OBJ)): $(wildcard src/sim/data/*)

$(B)/lib/libcophyd.a: $(LIB_OBJ) $(LIB_DIRS)
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJ)

$(B)/lib/$(SO): $(LIB_OBJ) $(LIB_DIRS) src/cophyd.map | $(B)/lib/cophyd
	$(say) LD $@
	$(Q)$(CC) -shared $(CFLAGS) $(SANITIZE) -Wl,-soname,$(SO_MAJOR) -Wl,-z,nodelete -Wl,--version-script=src/cophyd.map \
	    $(if $(SANITIZE),,-Wl,-z,defs) -o $@ $(LIB_OBJ) '-Wl,-rpath,$$ORIGIN/cophyd' $(ALL_LIBS)
	$(Q)ln -sf $(SO) $(@D)/$(SO_MAJOR) && ln -sf $(SO_MAJOR) $(@D)/libcophyd.so

# Documents: a library of its own, over the public one. Of the inner folders it takes the lowest, of
# which each has its copy.
DOC_BASE := $(patsubst %,$(O)/base/%.c.o,clock err report str thread vec)

$(B)/lib/libcophyd-doc.a: $(DOC_OBJ) $(DOC_DIRS)
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $(DOC_OBJ)

$(B)/lib/$(DOC_SO): $(DOC_OBJ) $(DOC_BASE) $(DOC_DIRS) src/doc/cophyd-doc.map $(B)/lib/$(SO)
	$(say) LD $@
	$(Q)$(CC) -shared $(CFLAGS) $(SANITIZE) -Wl,-soname,$(DOC_SO_MAJOR) -Wl,-z,nodelete -Wl,--version-script=src/doc/cophyd-doc.map \
	    $(if $(SANITIZE),,-Wl,-z,defs) -o $@ $(DOC_OBJ) $(DOC_BASE) '-Wl,-rpath,$$ORIGIN' \
	    -L$(B)/lib -lcophyd $(JANSSON_LIBS) $(RDKAFKA_LIBS) $(UUID_LIBS) -pthread -lm
	$(Q)ln -sf $(DOC_SO) $(@D)/$(DOC_SO_MAJOR) && ln -sf $(DOC_SO_MAJOR) $(@D)/libcophyd-doc.so

# EPICS as the wheel has it: in the same place beside libcophyd here and when installed.
$(B)/lib/cophyd: build/config.mak
	@rm -rf $@ && mkdir -p $@
	$(if $(WHEEL),$(Q)ln -s $(patsubst %,$(WHEEL)/lib/lib%.so*,Com ca dbCore dbRecStd) \
	    $(WHEEL)/dbd $(wildcard $(WHEEL)-*.dist-info/licenses) $@)

# --- Programs

$(B)/bin/cophyd-sim: $(SIM_OBJ) $(SIM_DIRS) | $(B)/lib/cophyd
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) -rdynamic -o $@ $(SIM_OBJ) '-Wl,-rpath,$$ORIGIN/../lib/cophyd' \
	    -Wl,--no-as-needed $(SIM_LIBS) -Wl,--as-needed $(HDF5_LIBS) $(LZ4_LIBS) $(BLOSC_LIBS) \
	    -pthread -lm

# The command: over the public headers and the shared libraries alone.
$(B)/bin/cophyd: $(CLI_OBJ) $(CLI_DIRS) $(B)/lib/$(SO) $(B)/lib/$(DOC_SO)
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) -o $@ $(CLI_OBJ) '-Wl,-rpath,$$ORIGIN/../lib' -L$(B)/lib \
	    -lcophyd-doc -lcophyd $(JANSSON_LIBS) $(PNG_LIBS) -pthread -lm

# Starting the simulator from other programs: a library of its own.
$(B)/lib/libcophyd-simulator.a: $(KIT_OBJ)
	$(say) AR $@
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $(KIT_OBJ)

$(B)/bin/simulated: WITH = -lcophyd-simulator
$(B)/bin/simulated: $(B)/lib/libcophyd-simulator.a
$(B)/bin/count $(B)/bin/scan $(B)/bin/kafka: WITH = -lcophyd-doc
$(B)/bin/count $(B)/bin/scan $(B)/bin/kafka: $(B)/lib/$(DOC_SO)
$(EXAMPLES): $(B)/bin/%: examples/%.c $(B)/lib/$(SO)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -o $@ $< '-Wl,-rpath,$$ORIGIN/../lib' -L$(B)/lib $(WITH) -lcophyd -lm

demo: all $(DEMO)
	$(Q)tests/demo/demo.sh

# --- Tests. With TESTS=build/tests/unit/test_NAME make check runs only that one.

$(B)/tests/lib/%.c.o: tests/lib/%.c build/config.mak
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -Itests $(ALL_CFLAGS) -c -o $@ $<

$(B)/tests/libtests.a: $(TEST_LIB) $(KIT_OBJ)
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) rcs $@ $(TEST_LIB) $(KIT_OBJ)

# The archive, not the shared library: unit tests reach internal functions.
$(UNIT) $(IOC) $(DEMO) $(COUNTS) $(KAFKA) $(SOAK): $(B)/tests/%: tests/%.c $(B)/tests/libtests.a $(B)/lib/libcophyd.a | $(B)/lib/cophyd
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -Itests $(ALL_CFLAGS) -o $@ $< $(B)/tests/libtests.a $(WITH_DOC) $(LIBRARY) \
	    '-Wl,-rpath,$$ORIGIN/../../lib/cophyd' $(ALL_LIBS) -ldl

LIBRARY = $(B)/lib/libcophyd.a
# Tests of failing memory and calls: the library's own go to tests/lib/failing.c.
$(B)/lib/failing/%.a: $(B)/lib/%.a tests/lib/failing.syms
	@mkdir -p $(@D)
	$(Q)objcopy --redefine-syms=tests/lib/failing.syms $< $@
FAILING_TESTS := $(filter $(addprefix $(B)/tests/,unit/test_failing_% unit/test_doc_failing ioc/test_failing_%),$(UNIT) $(IOC))
$(FAILING_TESTS): LIBRARY = $(B)/lib/failing/libcophyd.a
$(FAILING_TESTS): $(B)/lib/failing/libcophyd.a

$(B)/tests/random/random: $(B)/tests/random/draw.c.o
$(B)/tests/random/random: WITH_DOC = $(B)/tests/random/draw.c.o
$(B)/tests/random/draw.c.o: tests/random/draw.c build/config.mak
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -Itests -c -o $@ $<

DOC_TESTS := $(filter $(B)/tests/unit/test_doc_% $(B)/tests/ioc/test_doc_%,$(UNIT) $(IOC)) $(COUNTS) $(KAFKA)
$(DOC_TESTS): WITH_DOC = $(B)/lib/libcophyd-doc.a
$(DOC_TESTS): ALL_CFLAGS += $(JANSSON_CFLAGS) $(RDKAFKA_CFLAGS)
$(DOC_TESTS): ALL_LIBS += $(JANSSON_LIBS) $(RDKAFKA_LIBS)
$(DOC_TESTS): $(B)/lib/libcophyd-doc.a
$(B)/tests/unit/test_doc_failing: WITH_DOC = $(B)/lib/failing/libcophyd-doc.a
$(B)/tests/unit/test_doc_failing: $(B)/lib/failing/libcophyd-doc.a
$(B)/tests/lib/documents.c.o: ALL_CFLAGS += $(JANSSON_CFLAGS)
$(B)/tests/unit/test_doc_kafka $(B)/tests/ioc/test_doc_kafka: | $(KAFKA)

# Pictures, without the command around them.
PICTURE := $(patsubst %,$(O)/cli/%.c.o,frame picture picture_png picture_text replace)
PICTURE_TESTS := $(filter $(B)/tests/unit/test_picture%,$(UNIT))
$(PICTURE_TESTS): WITH_DOC = $(PICTURE) $(PNG_LIBS)
$(PICTURE_TESTS): $(PICTURE)

# What the library claims, attacked: a table.
TRUST_TESTS := $(SOAK) $(filter %/test_doc_failing %/test_failing_memory %/test_failing_calls %/test_failing_frames %/test_frames_mutants,$(UNIT)) \
    $(filter $(B)/tests/ioc/test_faults_%,$(IOC))
trust: all $(TRUST_TESTS) python $(PLAIN) $(B)/python-venv/made
	$(if $(SIM_LIBS),,$(error make trust needs the simulator: ./configure --install-deps))
	+$(Q)BUILD=$(B) COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' python3 -B tests/trust/trust.py $(ROWS)

soak: export COPHYD_SIM = $(abspath $(B))/bin/cophyd-sim
soak: export COPHYD_STATE_DIR = $(abspath $(B))/state/soak
soak: all $(SOAK)
	$(B)/tests/soak/soak 100000 0
	$(B)/tests/soak/soak 86400 1
	$(B)/tests/random/random 1 2000

# A link that is slow, for tests and benches.
FAR := $(B)/tests/link/far
$(FAR): tests/link/far.c build/config.mak
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -o $@ $<

# An IOC of standard records, of all types.
$(IOC): | $(SIM) $(PLAIN) $(FAR)
$(PLAIN): tests/ioc/plain/plain_ioc.c | $(B)/lib/cophyd
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(SIM_CFLAGS) -DDBD_DIR='"$(patsubst ../%,../../%,$(SIM_DBD_DIR))"' -o $@ $< \
	    '-Wl,-rpath,$$ORIGIN/../../lib/cophyd' -rdynamic -Wl,--no-as-needed $(SIM_LIBS)

TESTS ?= $(UNIT) $(SCRIPTS) $(IOC)
check: all $(KAFKA) $(filter $(B)/%,$(TESTS))
	$(if $(SIM_LIBS),,@echo 'There is no simulator (see ./configure): tests/ioc is left out')
	$(Q)CC='$(CC)' CXX='$(CXX)' BUILD=$(B) COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' \
	    prove --exec tests/lint/tap.sh -j2 $(TESTS)

# Sanitized builds have their own folder.
asan: SANITIZE_AS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
tsan: SANITIZE_AS = -fsanitize=thread
asan tsan:
	TSAN_OPTIONS=suppressions=$(CURDIR)/tests/lint/tsan.supp \
	    $(MAKE) B=build/$@ SANITIZE='$(SANITIZE_AS)' check

# Lines and branches of src that the tests reach, in a build of its own; with TESTS, that those do.
coverage:
	$(Q)mkdir -p build/coverage && find build/coverage -name '*.gcda' -delete
	-+$(Q)$(MAKE) B=build/coverage CFLAGS='-O0 -g -include tests/coverage/exit.h' \
	    SANITIZE='--coverage -fprofile-update=atomic' check
	$(Q)python3 -B tests/coverage/summary.py build/coverage

# Fuzz targets: libFuzzer's, each a file of tests/fuzz, in a build of clang's of its own.
FUZZ ?= $(filter-out fuzz seeds $(if $(DOC_SRC),,metadata json_values replay),$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_TIME ?= 600
FUZZ_TARGETS := $(patsubst %,$(B)/bin/%,$(FUZZ))
FUZZ_OBJ := $(patsubst tests/%,$(B)/tests/%.o,$(wildcard tests/fuzz/*.c))

$(B)/tests/fuzz/%.c.o: tests/fuzz/%.c build/config.mak
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -Itests $(ALL_CFLAGS) $(JANSSON_CFLAGS) -c -o $@ $<

$(FUZZ_TARGETS): LINK = -fsanitize=fuzzer
$(FUZZ_TARGETS) $(B)/bin/seeds: $(B)/bin/%: $(B)/tests/fuzz/%.c.o $(B)/tests/fuzz/fuzz.c.o $(B)/tests/libtests.a \
    $(B)/lib/libcophyd.a $(filter %.a,$(DOC_LIBS)) | $(B)/lib/cophyd
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE) $(LINK) -o $@ $(filter %.o,$^) $(filter %libcophyd-doc.a,$^) \
	    $(B)/tests/libtests.a $(B)/lib/libcophyd.a '-Wl,-rpath,$$ORIGIN/../lib/cophyd' $(ALL_LIBS) $(JANSSON_LIBS)

fuzz-targets: $(FUZZ_TARGETS) $(B)/bin/seeds
	$(Q)$(B)/bin/seeds $(B)/seeds

fuzz check-fuzz:
	$(Q)command -v clang >/dev/null || { echo 'make fuzz needs clang: ./configure --install-deps' >&2; exit 1; }
	+$(Q)$(MAKE) B=build/fuzz CC=clang \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' \
	    fuzz-targets
	$(Q)FUZZ_TIME=$(if $(filter check-%,$@),20 FUZZ_RUNS=$(FUZZ_RUNS),$(FUZZ_TIME)) \
	    prove --exec tests/fuzz/run.sh -j2 $(patsubst %,build/fuzz/bin/%,$(FUZZ))
	$(if $(filter check-%,$@),,+$(Q)MUTANTS=$(MUTANTS) TEST_TIMEOUT=7200 $(MAKE) TESTS=build/tests/unit/test_frames_mutants check)
FUZZ_RUNS ?= 400000
MUTANTS ?= 50000

# The simulator's files, read by h5py, hdf5plugin and tifffile; files of h5py, read by the library.
$(B)/files-venv/made: tests/files/peers.txt
	@rm -rf $(@D)
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

check-files: all $(B)/files-venv/made
	$(Q)BUILD='$(abspath $(B))' COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' \
	    prove --exec 'tests/lint/tap.sh $(B)/files-venv/bin/python' tests/files/check.py tests/files/frames.py

# What the runs of tests and of an example emit, by event-model's schemas; images found by it.
$(B)/documents-venv/made: tests/documents/peers.txt
	@rm -rf $(@D)
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

# They are replayed into Tiled and databroker 2, and into databroker 1, which needs other packages.
REPLAY_VENVS := $(patsubst %,$(B)/%-venv/made,tiled databroker)
$(REPLAY_VENVS): $(B)/%-venv/made: tests/documents/peers-%.txt
	@rm -rf $(@D)
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

check-documents: all $(DOC_TESTS) $(B)/documents-venv/made $(REPLAY_VENVS)
	$(if $(and $(DOC_SRC),$(SIM_LIBS)),,$(error make check-documents needs jansson and the simulator: ./configure --install-deps))
	$(Q)BUILD=$(B) COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' TEST_TIMEOUT=600 \
	    prove --exec 'tests/lint/tap.sh $(B)/documents-venv/bin/python' tests/documents/check.py \
	    $(if $(KAFKA),tests/documents/check_kafka.py)
	$(Q)BUILD=$(B) COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' TEST_TIMEOUT=600 \
	    prove -j2 --exec 'tests/lint/tap.sh $(B)/tiled-venv/bin/python' \
	    $(patsubst %,tests/documents/replay_%.py,tiled databroker)
	$(Q)BUILD=$(B) COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' TEST_TIMEOUT=600 \
	    prove --exec 'tests/lint/tap.sh $(B)/databroker-venv/bin/python' \
	    tests/documents/replay_databroker.py

# The Python package, run on the library that was built; and its tests, against the real bluesky.
PYTHON_SRC := $(wildcard src/python/cophyd/*.py src/python/cophyd/py.typed)
PYTHON_FROM := src/python/generate.py src/docs/headers.py src/docs/classes.py $(wildcard include/cophyd/*.h src/ad/classes/*)
python: $(B)/python/cophyd/made
$(B)/python/cophyd/made: $(PYTHON_SRC) $(PYTHON_FROM) | $(B)/lib/$(SO)
	$(say) PY $(@D)
	@rm -rf $(@D) && mkdir -p $(@D)
	$(Q)cp $(PYTHON_SRC) $(@D) && python3 -B src/python/generate.py $(@D)
	$(Q)ln -s ../../lib/$(SO_MAJOR) $(@D)/$(SO_MAJOR) && touch $@

$(B)/python-venv/made: tests/python/peers.txt
	@rm -rf $(@D)
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

check-python: all python $(PLAIN) $(B)/python-venv/made $(REPLAY_VENVS)
	$(if $(SIM_LIBS),,$(error make check-python needs the simulator: ./configure --install-deps))
	$(Q)CC='$(CC)' BUILD='$(abspath $(B))' COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' \
	    tests/python/check.sh $(PYTEST)

# Other languages, on the shared library: examples/rust, examples/lua; and the wheel.
check-hosts: all wheel $(B)/tests/demo/snapshot
	$(if $(SIM_LIBS),,$(error make check-hosts needs the simulator: ./configure --install-deps))
	$(Q)BUILD=$(B) COPHYD_SIM='$(abspath $(B))/bin/cophyd-sim' TEST_TIMEOUT=600 \
	    prove --exec tests/lint/tap.sh tests/hosts/rust.sh tests/hosts/lua.sh tests/hosts/wheel.sh

# A wheel for pip: build/wheel/cophyd-VERSION-py3-none-manylinux_*.whl.
$(B)/wheel-venv/made: src/python/peers.txt
	@rm -rf $(@D)
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

wheel: $(LIBS) python $(B)/wheel-venv/made
	$(if $(WHEEL),,$(error make wheel needs the EPICS of the package epicscorelibs: ./configure --install-deps))
	$(say) WHEEL $(B)/wheel
	$(Q)src/python/wheel.sh $(VERSION) >$(B)/wheel.log 2>&1 || { tail -n 20 $(B)/wheel.log; exit 1; }
	@ls $(B)/wheel/*.whl

# --- Speed beside hand-written libca, pyepics, aioca, ophyd, ophyd-async, bluesky and h5py: a table,
# $(B)/bench.json, $(B)/bench.svg and $(B)/growth.svg.

in_bench = $(patsubst %,$(B)/tests/bench/%,$(1))
BENCH_OBJ := $(patsubst tests/%,$(B)/tests/%.o,$(wildcard tests/bench/*.c))
BENCH_PROGRAMS := $(call in_bench,ours growth libca point caget bench_ioc frames seen $(if $(DOC_SRC),ours_count))

$(BENCH_OBJ): $(B)/tests/%.o: tests/% build/config.mak
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -Itests $(SIM_CFLAGS) $(HDF5_CFLAGS) -c -o $@ $<

OURS := $(call in_bench,ours_common.c.o side.c.o)
$(call in_bench,ours): $(call in_bench,ours.c.o ours_values.c.o ours_detector.c.o) $(OURS)
$(call in_bench,growth): $(call in_bench,growth.c.o) $(OURS)
$(call in_bench,ours growth): USES = -L$(B)/lib -lcophyd
$(call in_bench,ours_count): $(call in_bench,ours_count.c.o) $(OURS)
$(call in_bench,ours_count): USES = -L$(B)/lib -lcophyd -lcophyd-doc
LIBCA := $(call in_bench,libca_start.c.o libca_stage.c.o libca_trigger.c.o libca_file.c.o side.c.o)
$(call in_bench,libca): $(call in_bench,libca.c.o libca_values.c.o) $(LIBCA)
$(call in_bench,point): $(call in_bench,point.c.o) $(LIBCA)
$(call in_bench,libca point): USES = $(EPICS_LIBS) $(HDF5_LIBS)
$(call in_bench,caget): $(call in_bench,caget.c.o)
$(call in_bench,caget): USES = $(EPICS_LIBS)
$(call in_bench,frames): $(call in_bench,frames.c.o side.c.o)
$(call in_bench,frames): USES = $(B)/lib/libcophyd.a $(ALL_LIBS)
$(call in_bench,seen): $(call in_bench,seen.c.o side.c.o) $(B)/tests/lib/h5_write.c.o
$(call in_bench,seen): USES = $(B)/lib/libcophyd.a $(ALL_LIBS)
$(call in_bench,bench_ioc): $(call in_bench,bench_ioc.c.o)
$(call in_bench,bench_ioc): USES = -rdynamic $(SIM_LIBS)
$(BENCH_PROGRAMS): | $(LIBS) $(DOC_LIBS)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) -pthread -o $@ $^ '-Wl,-rpath,$$ORIGIN/../../lib:$$ORIGIN/../../lib/cophyd' \
	    -Wl,--no-as-needed $(USES)

$(B)/bench-venv/made: tests/bench/peers.txt
	@rm -rf $(@D)
	$(Q)python3 -m venv $(@D) && $(@D)/bin/pip install -q --disable-pip-version-check -r $< && touch $@

bench: $(if $(SIM_LIBS),all python $(FAR) $(BENCH_PROGRAMS) $(B)/bench-venv/made)
	$(if $(SIM_LIBS),,$(error make bench needs the EPICS database libraries: ./configure --install-deps))
	$(Q)BUILD=$(B) DBD='$(patsubst ../%,$(B)/%,$(SIM_DBD_DIR))' PEERS=$(B)/bench-venv/bin/python \
	    python3 tests/bench/bench.py $(BENCH)

# --- The reference: build/docs/index.html, and man pages. It needs no more than python3.

DOCS ?= $(B)/docs
docs:
	$(say) DOCS $(DOCS)
	$(Q)python3 -B -X utf8 src/docs/docs.py $(DOCS) $(VERSION)

# --- Other compilers, machines, EPICS and HDF5: a table. PLATFORMS='NAME ...' or --short.

platforms:
	$(Q)tests/platforms/run.sh $(PLATFORMS)

# --- Rules

C_FILES := $(wildcard include/cophyd/*.h $(patsubst %,%/*.[ch],src/* tests/* tests/ioc/plain examples))

layers:
	$(Q)tests/lint/layers.sh

lint:
	$(Q)CLANG_FORMAT=$(CLANG_FORMAT) tests/lint/rules.sh $(C_FILES)

format:
	$(or $(CLANG_FORMAT),clang-format) -i $(C_FILES)

abi-names: $(B)/lib/$(SO) $(DOC_LIBS)
	tests/abi/exported.sh $(B)/lib/$(SO) >tests/abi/names.txt
	$(if $(DOC_LIBS),tests/abi/exported.sh $(B)/lib/$(DOC_SO) >tests/abi/names-doc.txt)

# --- Installing. Nothing is linked again: run paths are relative.

D = $(DESTDIR)$(PREFIX)
MAN := $(wildcard $(DOCS)/man/man3/*.3)
INSTALLED := $(SIM) $(CLI) $(filter %/pilatus,$(EXAMPLES))
EPICS_PRIVATE = $(if $(WHEEL),-L$${libdir}/cophyd -Wl$(comma)-rpath$(comma)$${libdir}/cophyd)
comma := ,

install: all
	install -d $(D)/include/cophyd $(D)/lib/pkgconfig $(D)/bin
	install -m 644 $(HEADERS) $(D)/include/cophyd
	install -m 644 $(B)/lib/libcophyd.a $(D)/lib
	install -m 755 $(B)/lib/$(SO) $(D)/lib
	ln -sf $(SO) $(D)/lib/$(SO_MAJOR)
	ln -sf $(SO_MAJOR) $(D)/lib/libcophyd.so
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' \
	    -e 's|@PRIVATE@|$(subst -L$(B)/lib/cophyd,$(EPICS_PRIVATE),$(ALL_LIBS))|' \
	    src/cophyd.pc.in >$(D)/lib/pkgconfig/cophyd.pc
	$(if $(DOC_LIBS),install -m 644 $(B)/lib/libcophyd-doc.a $(D)/lib && \
	    install -m 755 $(B)/lib/$(DOC_SO) $(D)/lib && \
	    ln -sf $(DOC_SO) $(D)/lib/$(DOC_SO_MAJOR) && \
	    ln -sf $(DOC_SO_MAJOR) $(D)/lib/libcophyd-doc.so && \
	    sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@PRIVATE@|$(JANSSON_LIBS) $(RDKAFKA_LIBS) $(UUID_LIBS) -pthread -lm|' \
	    src/doc/cophyd-doc.pc.in >$(D)/lib/pkgconfig/cophyd-doc.pc)
	$(if $(KIT),install -m 644 $(KIT) $(D)/lib && sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' \
	    src/kit/cophyd-simulator.pc.in >$(D)/lib/pkgconfig/cophyd-simulator.pc)
	$(if $(INSTALLED),install -m 755 $(INSTALLED) $(D)/bin)
	$(if $(CLI),install -d $(addprefix $(D)/share/,man/man1 bash-completion/completions zsh/site-functions) && \
	    $(CLI) manual $(D)/share/man/man1 && \
	    $(CLI) completion bash >$(D)/share/bash-completion/completions/cophyd && \
	    $(CLI) completion zsh >$(D)/share/zsh/site-functions/_cophyd)
	$(if $(MAN),install -d $(D)/share/man/man3 && install -m 644 $(MAN) $(D)/share/man/man3)
	$(if $(WHEEL),cp -rL $(B)/lib/cophyd $(D)/lib)

uninstall:
	rm -f $(patsubst include/%,$(D)/include/%,$(HEADERS)) $(D)/lib/libcophyd.* \
	    $(D)/lib/libcophyd-doc.* $(D)/lib/pkgconfig/cophyd-doc.pc \
	    $(D)/lib/libcophyd-simulator.a $(D)/lib/pkgconfig/cophyd-simulator.pc \
	    $(D)/lib/pkgconfig/cophyd.pc $(patsubst $(B)/%,$(D)/%,$(INSTALLED))
	rm -f $(patsubst $(DOCS)/%,$(D)/share/%,$(MAN)) $(D)/share/man/man1/cophyd*.1 \
	    $(D)/share/bash-completion/completions/cophyd $(D)/share/zsh/site-functions/_cophyd
	rm -rf $(D)/lib/cophyd
	-rmdir $(D)/include/cophyd

clean:
	rm -rf $(filter-out build/config.mak build/configure build/venv $(wildcard build/*-venv),$(wildcard build/*))

distclean:
	rm -rf build

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(DOC_OBJ) $(CLI_OBJ) $(KIT_OBJ) $(SIM_OBJ) $(TEST_LIB) $(BENCH_OBJ) $(FUZZ_OBJ)) $(patsubst %,%.d,$(UNIT) $(IOC) $(PLAIN) $(DEMO) $(COUNTS) $(KAFKA) $(EXAMPLES))
