#!/usr/bin/env python3
"""Writes znp.txt: frames as zigpy-znp encodes them.

    python3 -m venv venv && venv/bin/pip install zigpy-znp==1.1.1 && venv/bin/python znp.py > znp.txt
"""
import zigpy_znp.commands as c
import zigpy_znp.types as t
from zigpy_znp.types.nvids import NvSysIds

IEEE = t.EUI64.convert("00:0d:6f:00:0a:0b:0c:01")
AF, ZDO, SYS, CNF = c.AF, c.ZDO, c.SYS, c.AppConfig
BOTH = c.af.TransmitOptions(0x30)
DATA = t.LongBytes(b"\x01\x02\x03")
ROUTE = c.af.TransmitOptions(0x20)
BODY = t.ShortBytes(b"\x09\x05\x20")
SOURCE = t.AddrModeAddress(mode=t.AddrMode.NWK, address=t.NWK(0x1234))


def request(mode, address, options):
    where = t.AddrModeAddress(mode=mode, address=address)
    return AF.DataRequestExt.Req(DstAddrModeAddress=where, DstEndpoint=2, DstPanId=0, SrcEndpoint=1, ClusterId=0x0101, TSN=7, Options=options, Radius=30, Data=DATA)


CHANNEL = t.Channels.from_channel_list([15])
FRAMES = {
    "data_request_nwk": request(t.AddrMode.NWK, t.NWK(0x1234), BOTH),
    "data_request_ieee": request(t.AddrMode.IEEE, IEEE, ROUTE),
    "data_request_broadcast": request(t.AddrMode.Broadcast, t.NWK(0xFFFD), BOTH),
    "incoming": AF.IncomingMsg.Callback(GroupId=0, ClusterId=0x0101, SrcAddr=0x1234, SrcEndpoint=2, DstEndpoint=1, WasBroadcast=False, LQI=99, SecurityUse=False, TimeStamp=0x01020304, TSN=5, Data=BODY, MacSrcAddr=0x1234, MsgResultRadius=29),
    "incoming_ext": AF.IncomingMsgExt.Callback(GroupId=0, ClusterId=0x0101, SrcAddrModeAddress=SOURCE, SrcEndpoint=2, SrcPanId=0x1A2B, DstEndpoint=1, WasBroadcast=False, LQI=99, SecurityUse=0, TimeStamp=0x01020304, TSN=5, Data=t.LongBytes(BODY), MacSrcAddr=0x1234, MsgResultRadius=29),
    "zdo": ZDO.MsgCbIncoming.Callback(Src=0x1234, IsBroadcast=False, ClusterId=0x8002, SecurityUse=0, TSN=0x2A, MacDst=0, Data=t.Bytes(b"\x00\x34\x12")),
    "nv_read": SYS.OSALNVRead.Req(Id=0x0021, Offset=0),
    "nv_write": SYS.OSALNVWrite.Req(Id=0x0087, Offset=0, Value=t.ShortBytes(b"\x00")),
    "nv_init": SYS.OSALNVItemInit.Req(Id=0x0087, ItemLen=1, Value=t.ShortBytes(b"\x00")),
    "nv_delete": SYS.OSALNVDelete.Req(Id=0x0021, ItemLen=116),
    "nv_length": SYS.OSALNVLength.Req(Id=0x004C),
    "table_read": SYS.NVRead.Req(SysId=NvSysIds.ZSTACK, ItemId=4, SubId=3, Offset=0, Length=20),
    "table_write": SYS.NVWrite.Req(SysId=NvSysIds.ZSTACK, ItemId=1, SubId=2, Offset=0, Value=t.ShortBytes(b"\x01\x02")),
    "reset": SYS.ResetReq.Req(Type=t.ResetType.Soft),
    "permit_join": ZDO.MgmtPermitJoinReq.Req(AddrMode=t.AddrMode.NWK, Dst=0x0000, Duration=60, TCSignificance=1),
    "set_channel": CNF.BDBSetChannel.Req(IsPrimary=True, Channel=CHANNEL),
    "commission": CNF.BDBStartCommissioning.Req(Mode=c.app_config.BDBCommissioningMode.NwkFormation),
    "install_code": CNF.BDBAddInstallCode.Req(InstallCodeFormat=c.app_config.InstallCodeFormat.KeyDerivedFromInstallCode, IEEE=IEEE, InstallCode=t.Bytes(b"ZigBeeAlliance09")),
    "startup": ZDO.StartupFromApp.Req(StartDelay=100),
    "register": AF.Register.Req(Endpoint=1, ProfileId=0x0104, DeviceId=7, DeviceVersion=0, LatencyReq=c.af.LatencyReq.NoLatencyReqs, InputClusters=[0, 3], OutputClusters=[0x0101]),
    "nwk_update": ZDO.MgmtNWKUpdateReq.Req(Dst=0x0000, DstAddrMode=t.AddrMode.NWK, Channels=t.Channels.ALL_CHANNELS, ScanDuration=2, ScanCount=1, NwkManagerAddr=0x0000),
    "tc_device": ZDO.TCDevInd.Callback(SrcNwk=0x1234, SrcIEEE=IEEE, ParentNwk=0x0000),
    "leave": ZDO.LeaveInd.Callback(NWK=0x1234, IEEE=IEEE, Request=False, Remove=False, Rejoin=False),
}
for name, frame in FRAMES.items():
    general = frame.to_frame()
    body = bytes([len(general.data)]) + general.header.serialize() + general.data if hasattr(general, "header") else general.serialize()
    fcs = 0
    for byte in body:
        fcs ^= byte
    print(name, (b"\xfe" + body + bytes([fcs])).hex() if body[:1] != b"\xfe" else body.hex())
