# SPDX-License-Identifier: Apache-2.0
"""Files for the tests of save and load: PyTorch's, our own, and hand-written ones."""

from __future__ import annotations

import base64
import io
import pickle
import zipfile
import zlib
from collections import OrderedDict

import numpy as np

import nabi
from nabi.tensor import Tensor, from_array

# What load may raise, whatever the bytes are.
CLEAN = (pickle.UnpicklingError, RuntimeError, EOFError)
DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]

# A file of PyTorch 2.13, compressed for this page.
GOLDEN = (
    "c-o~_-EZ4e6u(JYCm84#uyzH?#~7s0rL~hb$v&FS6c6UH6;DV3X|i1BF0tm?IrdGf4Ix#UQU-g0e*p2$AHW-%;DHw;*vrHN4<H^U"
    "o_OUA?!8Vk+ocWLu5x2LKEIE9ea>;#w9F7fxg6Rv#?S;ZeXC_};`xS2%tHH$qbeil!`RqPe+(#JAEtl}uYny%S(fKG*dn&)2I2+3"
    "fqmRqwJjn-dRB)_zAn(%Eo?Vi1cof)QHg@lA+{5UhL6`fw$m^Ob_35hHf0fp^Z9y~A_5v|HZcexL{uHmBp1UUMab4uG-d&E^$a~)"
    "?G8Mq2?WIVG^C}q%nm%RWwg`|Jn?CZxp<Pmhz_H5x^zTr+<>tb)oBT>Y%AB|$Z>|uXz3l8&{B-xsSx=zfoF6$#E}8PZI}#^Jy+*E"
    "x7jx}#Z5_Ym{O()OjF9)*^uU00?+C2e24RFn86j8iSa0&=k$4A;5;(CNO{r(UgC@D!pmB!3r9k}R|p){;Z+{khS&Dl*0$-J8<=2U"
    "gnUeH)$6P~xGy-%d5Z9QDELNCaE=Kc3k3@V=5<)O!7rpwK-Qti7qgB70;MyxpTjKTnStA$)q+JW!>?TGA%LYzP|kB56Ds_;4pkiP"
    "E5<Gyw+w^1CbnxBVt{G>oVWxhwUpU~Q#ve%k@htVwca8w(hCt*!smUu3yKbJa=`|<+QzWj3$tA!Es5|J&lKO>0@X4snz~jXVwatW"
    "aE9MQ-`|3_dA2$xbs@n!J8)J9jVrsJi{adPety|8oAB-pe%>~1AI@v3&jh~we|F$Pr?94FbH9Im`{q$f%jVj?MK_5K^^2}>+4DC{"
    "Vr*hRpv9yr6N%bmLt@<D{PpW~wu5Z$&pnOG_qluJWSEZKbT_a|RHgVI^aICIi5aME!Jla=kv`DCII8sxtY0PAW6eQTPCSh6?r>~E"
    "9Lzj)PyKP2ZMtxvhY_?K>uU20s&f1h41}!PHTtzeKXh)>`PB+@H2L|xFQ({?sR54W;*KO$$^UOh*&YkiYu~-+F@f9wy_0c0Syd_z"
    "y#pz({OytN>Vu#E2vXw8MO9gTl!xEn|G#TJiQCN0&9gst$M_rUAUC6^*mu(}vH1tJQxuuvoiCg34_^NalJ6HF-+%!7Hm$&GCVN{N"
    "c0*MP4`@JID3>csa#^mHtJTV4Nm`N@rBb;{Cp}i>QmI@iO4TBBDgW@nPkHJi&t0aN*}l(cdm7v0Jo!H$iH<g)$r!SeLHjkdBuTW1"
    "Ovgy>L`n8^t|U*i5sb%p^dYpj0VUzlsvU{J?+&3v??_^!6&T01h7(vRiH+7!9Q#WWD<`qhjE`e=A%QI>vC-TejbVR_VE1`u(Uh8r"
    "3un=QWM9(+VQ#lHGROKzF>$<}?iG1<x77*!?4w>l_|_X1LX61c!`OcTG^Tnp"
)


def golden_file() -> bytes:
    return zlib.decompress(base64.b85decode(GOLDEN))


def saved(value) -> bytes:
    file = io.BytesIO()
    nabi.save(value, file)
    return file.getvalue()


def loaded(data: bytes, **options):
    return nabi.load(io.BytesIO(data), **options)


def archive(
    description: bytes, members: dict[str, bytes] | None = None, compression=zipfile.ZIP_STORED
) -> bytes:
    """An archive with a pickle of our choice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as target:
        target.writestr("archive/data.pkl", description)
        for name, data in {"byteorder": b"little", "version": b"3\n", **(members or {})}.items():
            target.writestr(f"archive/{name}", data)
    return file.getvalue()


def run(body: bytes, **members):
    return loaded(
        archive(b"\x80\x02" + body + b".", {name.replace("_", "/"): data for name, data in members.items()})
    )


def same(one, other) -> bool:
    """Equal in type, value and, for tensors, dtype, size, stride, kind and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        facts = [(t.dtype, tuple(t.shape), tuple(t.stride()), t.requires_grad) for t in (one, other)]
        return facts[0] == facts[1] and one._array.tobytes() == other._array.tobytes()
    if isinstance(one, dict):
        order = list(one) == list(other) if isinstance(one, OrderedDict) else set(one) == set(other)
        return order and all(same(one[key], other[key]) for key in one) and vars_of(one) == vars_of(other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (one != one and other != other)


def vars_of(value) -> dict:
    return getattr(value, "__dict__", {})


def state_dict() -> OrderedDict:
    state = OrderedDict()
    weight = np.arange(12, dtype=np.float32).reshape(3, 4)
    state["weight"] = from_array(weight)
    state["tied"] = from_array(weight.T)
    state["steps"] = from_array(np.array(5))
    state._metadata = OrderedDict({"": {"version": 1}})
    return state


# Opcodes by hand


FLOATS = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ"


def tensor_of(
    offset=b"K\0", size=b"K\x02K\x02\x86", stride=b"K\x02K\x01\x86", storage=FLOATS, grad=b"\x89"
) -> bytes:
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + offset
        + size
        + stride
        + grad
        + b"ccollections\nOrderedDict\n)RtR"
    )
