"""Channel Access as it is on the wire: a client that shares no code with the library, and a link
between clients and an IOC that stands still at a put."""

import itertools
import socket
import struct
import threading
import time
from collections import deque
from typing import NamedTuple

VERSION, WRITE, SEARCH, READ_NOTIFY, CREATE, WRITE_NOTIFY = 0, 4, 6, 15, 18, 19
CLIENT_NAME, HOST_NAME, ECHO, CREATE_FAILED = 20, 21, 23, 26
STRING, CHAR = 0, 4
FORMATS = {STRING: "40s", 1: "h", 2: "f", 3: "H", CHAR: "B", 5: "i", 6: "d"}
MINOR_VERSION = 13
NORMAL = 1  # ECA_NORMAL
HEADER = struct.Struct(">HHHHII")
PATIENCE = 20  # seconds, for a busy machine
STUCK = 2  # seconds, for a put that will not complete
LOCAL = "127.0.0.1"


class Message(NamedTuple):
    command: int
    dtype: int
    count: int
    one: int
    two: int
    payload: bytes

    def packed(self):
        size, count, more = len(self.payload), self.count, b""
        if size >= 0xFFFF or count >= 0xFFFF:
            size, count, more = 0xFFFF, 0, struct.pack(">II", size, count)
        head = HEADER.pack(self.command, size, self.dtype, count, self.one, self.two)
        return head + more + self.payload

    def values(self):
        one = FORMATS[self.dtype]
        size = struct.calcsize(f">{one}")
        count = min(self.count, len(self.payload) // size)
        found = struct.unpack_from(
            f">{count}{one}" if one != "40s" else ">" + one * count, self.payload
        )
        return found if one != "40s" else [text.split(b"\0")[0].decode("latin-1") for text in found]


def messages(connection):
    """Those that come, until it ends."""
    stream = connection.makefile("rb")
    try:
        while len(head := stream.read(HEADER.size)) == HEADER.size:
            command, size, dtype, count, one, two = HEADER.unpack(head)
            if size == 0xFFFF and count == 0:
                size, count = struct.unpack(">II", stream.read(8))
            yield Message(command, dtype, count, one, two, stream.read(size) if size else b"")
    except (OSError, ValueError, struct.error):
        return


def padded(text):
    return text + b"\0" * (8 - len(text) % 8)


def hand_on(message, connection):
    """Whether it could be."""
    try:
        connection.sendall(message.packed())
    except OSError:
        return False
    return True


def end(connection, how=socket.SHUT_RDWR):
    """Wakes who reads from it, too."""
    try:
        connection.shutdown(how)
    except OSError:
        return  # it has ended


class Client:
    """One circuit to the IOC at a port, by itself; names are without the prefix, values text."""

    def __init__(self, port, prefix="Pilatus:"):
        self.prefix = prefix
        self.channels = {}
        self.ids = itertools.count(1)
        limit = time.monotonic() + PATIENCE
        while not self._connect(port):  # an IOC that starts again is not there for a moment
            if time.monotonic() > limit:
                raise ConnectionError("the IOC is not there")
            time.sleep(0.01)

    def _connect(self, port):
        """Whether the IOC has answered."""
        try:
            self.circuit = socket.create_connection((LOCAL, port), PATIENCE)
        except ConnectionRefusedError:
            return False
        self.circuit.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming = messages(self.circuit)
        self.outgoing = b""  # that is not sent yet
        self._send(VERSION, 0, MINOR_VERSION)
        self._send(HOST_NAME, payload=padded(b"localhost"))
        self._send(CLIENT_NAME, payload=padded(b"tests"))
        self._send(ECHO)
        try:
            self._answer(lambda m: m.command == ECHO)
        except ConnectionError:
            self.close()
            return False
        return True

    def close(self):
        end(self.circuit)
        self.circuit.close()

    def _send(self, command, dtype=0, count=0, one=0, two=0, payload=b""):
        self.outgoing += Message(command, dtype, count, one, two, payload).packed()

    def _flush(self):
        self.circuit.sendall(self.outgoing)
        self.outgoing = b""

    def _answer(self, wanted):
        """The next message for which wanted(message)."""
        self._flush()
        for message in self.incoming:
            if wanted(message):
                return message
        raise ConnectionError("the IOC was lost, or has not answered")

    def find(self, names):
        """Those that the IOC has."""
        asked = {}
        for name in names:
            if name not in self.channels:
                cid = next(self.ids)
                asked[cid] = name
                payload = padded((self.prefix + name).encode())
                self._send(CREATE, one=cid, two=MINOR_VERSION, payload=payload)
        while asked:
            told = self._answer(lambda m: m.command in (CREATE, CREATE_FAILED) and m.one in asked)
            name = asked.pop(told.one)
            if told.command == CREATE:
                self.channels[name] = told
        return [name for name in names if name in self.channels]

    def _channel(self, name):
        if not self.find([name]):
            raise LookupError(f"{name}: the IOC has no such PV")
        return self.channels[name]

    def get_all(self, names):
        """The values by name: labels of enumerations, CHAR arrays as text."""
        asked = {}
        for name, channel in [(name, self._channel(name)) for name in names]:
            ioid = next(self.ids)
            asked[ioid] = name
            dtype = CHAR if channel.dtype == CHAR else STRING
            self._send(READ_NOTIFY, dtype, channel.count, channel.two, ioid)
        found = {}
        while asked:
            told = self._answer(lambda m: m.command == READ_NOTIFY and m.two in asked)
            values = told.values()
            if told.dtype == CHAR:
                found[asked.pop(told.two)] = bytes(values).split(b"\0")[0].decode("latin-1")
            else:
                found[asked.pop(told.two)] = " ".join(values)
        return found

    def get(self, name):
        return self.get_all([name])[name]

    def _write(self, command, name, value):
        channel, text, ioid = self._channel(name), value.encode() + b"\0", next(self.ids)
        dtype, count = (CHAR, len(text)) if channel.dtype == CHAR else (STRING, 1)
        self._send(command, dtype, count, channel.two, ioid, padded(text))
        return ioid

    def put(self, name, value):
        """Does not wait for what it begins: only until the IOC has it."""
        self._write(WRITE, name, value)
        self._send(ECHO)
        self._answer(lambda m: m.command == ECHO)

    def put_complete(self, name, value):
        ioid = self._write(WRITE_NOTIFY, name, value)
        told = self._answer(lambda m: m.command == WRITE_NOTIFY and m.two == ioid)
        if told.one != NORMAL:
            raise OSError(f"{name}: status {told.one}")

    def until(self, name, value):
        """Until a fresh read gives it."""
        limit = time.monotonic() + PATIENCE
        while (found := self.get(name)) != value:
            if time.monotonic() > limit:
                raise TimeoutError(f"{name}: wanted {value}, found {found}")

    def put_last(self, name, value):
        """With which the IOC ends the circuit."""
        self._write(WRITE, name, value)
        self._flush()
        for _ in self.incoming:
            pass


class Read(NamedTuple):
    """A request for a value of these types of DBR_, in the place of a put's value."""

    dtypes: range


VALUES_WITH_TIMES, LABELS_OR_LIMITS = Read(range(14, 21)), Read(range(28, 35))


class Trap:
    """Springs at the last of some messages, which come in this order: [(name, value)] of puts,
    whose value may be None: any; or (name, Read) of requests."""

    def __init__(self, steps, function, after):
        self.steps = list(steps)
        self.function = function
        self.after = after
        self.over = threading.Event()
        self.error = None

    def is_step(self, name, message):
        wanted, value = self.steps[0]
        if not name.endswith(wanted):
            return False
        if isinstance(value, Read):
            return message.command == READ_NOTIFY and message.dtype in value.dtypes
        if message.command == READ_NOTIFY:
            return False
        return value is None or [value] == [str(found) for found in message.values()[:1]]

    def spring(self):
        try:
            self.function()
        except Exception as error:
            self.error = error
        self.over.set()


class Circuit:
    """One client's, with a thread for each direction."""

    def __init__(self, link, client):
        self.link, self.client = link, client
        self.server = socket.create_connection((LOCAL, link.ioc_port))
        self.names, self.channels = {}, {}  # by the client's number, by the IOC's
        self.echoes = deque()  # that will be answered: None is the client's
        self.puts = set()  # that are not complete
        self.completed = threading.Condition()  # of these
        self.ended = threading.Event()
        for one in (self.client, self.server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for direction in (self._up, self._down):
            threading.Thread(target=direction, daemon=True).start()

    def _up(self):
        for message in messages(self.client):
            trap = None
            if message.command == CREATE:
                self.names[message.one] = message.payload.split(b"\0")[0].decode()
            elif message.command == ECHO:
                self.echoes.append(None)
            else:
                trap = self.link.trap_of(message, self.channels)
            if trap and not trap.after:
                self._complete()
                self._strike(trap)
            if message.command == WRITE_NOTIFY:
                with self.completed:
                    self.puts.add(message.two)
            hand_on(message, self.server)
            if trap and trap.after:
                self._strike(trap)
        end(self.server, socket.SHUT_WR)  # it ends once the IOC has done what came before

    def _complete(self):
        """Puts that came before are done, but for one that is stuck."""
        with self.completed:
            self.completed.wait_for(lambda: not self.puts, STUCK)

    def _strike(self, trap):
        """What came before has been seen by the IOC."""
        seen = threading.Event()
        self.echoes.append(seen)
        if hand_on(Message(ECHO, 0, 0, 0, 0, b""), self.server):
            seen.wait(PATIENCE)
        trap.spring()

    def _down(self):
        for message in messages(self.server):
            if message.command == CREATE:
                self.channels[message.two] = self.names.get(message.one, "")
            elif message.command == WRITE_NOTIFY:
                with self.completed:
                    self.puts.discard(message.two)
                    self.completed.notify_all()
            elif message.command == SEARCH:
                message = message._replace(dtype=self.link.port)  # the IOC tells its own
            elif message.command == ECHO and (seen := self.echoes.popleft()):
                seen.set()
                continue
            hand_on(message, self.client)  # or what is left, where it has gone
        self._end()
        for seen in self.echoes:
            if seen:
                seen.set()

    def _end(self):
        end(self.client)
        end(self.server)
        self.ended.set()


class Link:
    """In front of the IOC at a port; its own stays the same when the IOC starts again."""

    def __init__(self, ioc_port):
        self.ioc_port = ioc_port
        self.listener = socket.create_server((LOCAL, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()  # of what follows
        self.circuits = []
        self.trap = None
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        end(self.listener)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                circuit = Circuit(self, client)
            except OSError:
                client.close()  # the IOC is not there
                continue
            with self.lock:
                self.circuits = [c for c in self.circuits if not c.ended.is_set()] + [circuit]

    def until_cut(self):
        """The circuits that were there have ended: the IOC has done what came by them."""
        with self.lock:
            circuits = list(self.circuits)
        for circuit in circuits:
            if not circuit.ended.wait(PATIENCE):
                raise TimeoutError("a circuit has not ended")

    def strike_at(self, steps, function, after=False):
        """Once the last of these messages comes, and before (or after) the IOC has it: function(),
        while nothing that comes later goes on."""
        with self.lock:
            self.trap = Trap(steps, function, after)
        return self.trap

    def trap_of(self, message, channels):
        """The trap that springs here, or None."""
        if message.command not in (WRITE, WRITE_NOTIFY, READ_NOTIFY):
            return None
        name = channels.get(message.one, "")
        with self.lock:
            trap = self.trap
            if not trap or not trap.is_step(name, message):
                return None
            trap.steps.pop(0)
            if trap.steps:
                return None
            self.trap = None
            return trap

    def disarm(self):
        """Takes a trap away that has not sprung."""
        with self.lock:
            self.trap = None
