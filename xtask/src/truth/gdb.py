"""Run by gdb: the stack at each hit, down to the first Go function, as JSON Lines.

CGOTRACE_JUDGE holds the settings: "probes" is a list of [file, offset], "most" the number of hits
at most, "output" the file to write.
"""

import json
import os

import gdb

SETTINGS = json.loads(os.environ["CGOTRACE_JUDGE"])


def mappings():
    """The executable mappings: start, end, file offset, file."""
    found = []
    with open("/proc/%d/maps" % gdb.selected_inferior().pid) as maps:
        for line in maps:
            words = line.split()
            if "x" not in words[1]:
                continue
            start, end = (int(number, 16) for number in words[0].split("-"))
            name = words[5] if len(words) > 5 else ""
            if name.startswith("/"):
                name = os.path.realpath(name)
            found.append((start, end, int(words[2], 16), name))
    return found


def place(maps, address):
    for start, end, offset, name in maps:
        if start <= address < end:
            return [name, address - start + offset]
    return None


def is_go(frame):
    symtab = frame.find_sal().symtab
    return symtab is not None and symtab.filename.endswith((".go", ".s"))


def stack(maps):
    """The physical frames, and whether they reach Go or the bottom."""
    frames = []
    frame = gdb.newest_frame()
    try:
        while frame is not None:
            # A tail-call frame is gdb's guess of a caller that has gone.
            if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                here = place(maps, frame.pc())
                if here is None:
                    return frames, False
                frames.append(here)
                if is_go(frame):
                    return frames, False
            older = frame.older()
            if older is None:
                bottom = frame.unwind_stop_reason() == gdb.FRAME_UNWIND_OUTERMOST
                return frames, bottom
            frame = older
    except gdb.error:
        pass
    return frames, False


for setting in [
    "pagination off",
    "confirm off",
    "debuginfod enabled off",
    "print thread-events off",
    "backtrace limit unlimited",
    "backtrace past-main on",
]:
    try:
        gdb.execute("set " + setting)
    except gdb.error:
        pass  # Of another version.
gdb.execute("handle all nostop noprint pass", to_string=True)
gdb.execute("handle SIGTRAP stop noprint nopass", to_string=True)
# The dynamic linker has mapped all libraries by then.
gdb.execute("tbreak 'main.main'", to_string=True)
gdb.execute("run", to_string=True)
MAPS = mappings()
for module, wanted in SETTINGS["probes"]:
    for start, end, offset, name in MAPS:
        if name == module and offset <= wanted < offset + end - start:
            gdb.execute("break *%#x" % (wanted - offset + start), to_string=True)
            break
    else:
        raise gdb.GdbError("%s is not mapped" % module)
with open(SETTINGS["output"], "w") as output:
    for _ in range(SETTINGS["most"]):
        gdb.execute("continue", to_string=True)
        if gdb.selected_inferior().pid == 0:
            break
        found, whole = stack(mappings())
        output.write(json.dumps({"frames": found, "whole": whole}) + "\n")
if gdb.selected_inferior().pid != 0:
    gdb.execute("kill", to_string=True)
