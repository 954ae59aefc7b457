-- Take one image with a Pilatus, find the HDF5 file that the IOC wrote, and read it back, in LuaJIT.
-- It calls C as the headers declare it: there are no bindings.
--
--     luajit pilatus.lua [PREFIX [WRITE_ROOT [READ_ROOT]]]
--
-- WRITE_ROOT is the data disk as the IOC names it, READ_ROOT the same disk as this machine does.
-- COPHYD_INCLUDE and COPHYD_LIB say where the library is, else pkg-config does.

local ffi = require "ffi"
io.stdout:setvbuf "line"
jit.off() -- compiled code does not look whether Ctrl-C was pressed

local function folder(variable, name)
    return os.getenv(variable) or io.popen("pkg-config --variable=" .. name .. " cophyd"):read()
end

-- What the headers declare, without those of the system.
local declarations, ours = { "typedef struct FILE FILE;" }, false
local headers = "cc -E -x c -I" .. folder("COPHYD_INCLUDE", "includedir") .. " -include cophyd/cophyd.h /dev/null"
for line in io.popen(headers):lines() do
    if line:find "^# " then
        ours = line:find("/cophyd/", 1, true)
    elseif ours then
        table.insert(declarations, line)
    end
end
ffi.cdef(table.concat(declarations, "\n"))
local oph = ffi.load(folder("COPHYD_LIB", "libdir") .. "/libcophyd.so")
local DEFAULT = 0 / 0

-- C's error becomes one of Lua's, whose message is the sentence.
local err = ffi.new "oph_error"
local function check(code)
    if code ~= 0 then error(ffi.string(err.text), 0) end
end

-- What C writes into an argument, here called `ret`.
local function take(kind, call)
    local ret = ffi.new(kind .. "[1]")
    check(call(ret))
    return ret[0]
end

local function text(call)
    local buffer = ffi.new "char[4096]"
    check(call(buffer, ffi.sizeof(buffer)))
    return ffi.string(buffer)
end

local class_text = [[
class MyPilatusDetector : SingleTrigger PilatusDetector
dev   hdf1 HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite
stage cam  image_mode=Single num_images=1 acquire_time=0.1 acquire_period=0.105
stage hdf1 lazy_open=1 compression=LZ4 file_template="%s%s_%3.3d.h5"
]]

local function child(det, path)
    return take("oph_device *", function(ret) return oph.oph_device_child(det, path, ret, err) end)
end

-- Waits in slices: between them Lua can act on Ctrl-C, which it does not while C waits.
local function wait(status)
    local code
    repeat
        code = oph.oph_status_wait(status, 0.1, err)
    until code ~= oph.OPH_ETIMEOUT or oph.oph_status_done(status) == 1
    check(code)
end

local function show_status(status)
    print(ffi.string(oph.oph_status_text(status, ffi.new "char[160]", 160)))
end

local function trigger(det)
    local status = take("oph_status *", function(ret) return oph.oph_trigger(det, ret, err) end)
    show_status(status)
    local ok, why = pcall(wait, status)
    show_status(status)
    oph.oph_status_unref(status)
    if not ok then error(why, 0) end
end

local function take_image(det)
    check(oph.oph_stage(det, nil, err))
    local ok, why = pcall(trigger, det)
    local unstaged = oph.oph_unstage(det, nil, err) -- always
    if not ok then error(why, 0) end
    check(unstaged)
end

local function show_file(det)
    local hdf1 = child(det, "hdf1")
    local function name(side)
        return text(function(buffer, size) return oph.oph_file_name(hdf1, side, buffer, size, err) end)
    end
    local file = name(oph.OPH_SIDE_LOCAL)
    print("IOC file: " .. name(oph.OPH_SIDE_IOC))
    print("local file: " .. file)
    print("exists: " .. (io.open(file) and "True" or "False"))
    local frames = take("oph_frames *", function(ret)
        return oph.oph_frames_open(file, nil, DEFAULT, ret, err)
    end)
    ffi.gc(frames, oph.oph_frames_free)
    local info = ffi.new("oph_frames_info", { size = ffi.sizeof "oph_frames_info" })
    check(oph.oph_frames_describe(frames, info, err))
    local shape = {}
    for i = 0, info.rank - 1 do table.insert(shape, tonumber(info.shape[i])) end
    print("shape: (" .. table.concat(shape, ", ") .. ")")
    print("dtype: " .. ffi.string(oph.oph_dtype_name(info.dtype)))
    if info.dtype ~= oph.OPH_INT32 then error("wanted int32 pixels", 0) end
    local count = tonumber(info.frame_bytes) / 4
    local pixels, sum = ffi.new("int32_t[?]", count), 0
    check(oph.oph_frames_read(frames, 0, 1, pixels, info.frame_bytes, err))
    for i = 0, count - 1 do sum = sum + pixels[i] end
    print(("sum: %.0f"):format(sum))
end

local function run(ctx, prefix, write_root, read_root)
    check(oph.oph_class_parse(ctx, class_text, "pilatus.lua", nil, err))
    local det = take("oph_device *", function(ret)
        return oph.oph_device_new(ctx, "MyPilatusDetector", prefix, "det", ret, err)
    end)
    local ok, why = pcall(function()
        local below = "/test/pilatus/%Y/%m/%d/"
        check(oph.oph_files_set(child(det, "hdf1"), write_root .. below, read_root .. below, err))
        take_image(det)
        show_file(det)
    end)
    oph.oph_device_free(det)
    if not ok then error(why, 0) end
end

local ctx = take("oph_context *", function(ret) return oph.oph_context_new(nil, ret, err) end)
local ok, why = pcall(run, ctx, arg[1] or "Pilatus:", arg[2] or "/mnt/fileserver/data",
    arg[3] or "/export/raid5/fileshare/data")
oph.oph_context_free(ctx)
if not ok then
    io.stderr:write("cophyd: ", tostring(why), "\n")
    os.exit(1)
end
