"""Advance widths of DejaVu Sans, written by `tools/make_font_widths.py`.

One byte a code point of `RANGES` (half open), in `UNITS_PER_EM`, as base 85; 0 where the font has no glyph.
"""

from __future__ import annotations

from typing import Final

UNITS_PER_EM: Final = 200
RANGES: Final = ((0x20, 0x250), (0x370, 0x530), (0x2000, 0x2300), (0x25A0, 0x2700))
REGULAR: Final = (
    "Kv7(%fWMqKPfuj1KuJJEfPjF2fPjF2fPh3qsHmuG$cc)Kn}2khmpeOzaIKb}d7g`Zdy|RAihGJrL{F$>WP5*Ze|$%Oe>gaFIKzK?e}7YHPk(o$"
    "cXw%kM1ZIO0000000000000000000000000000000000000000Kv95zfPh3~WXNB8s7c6VWT;V5WPpG`WKmyx!otF9iHV7ciHXCEe}8{}J3Bi&"
    "o0guQo}Qklo|BW4lY4o7dwY9(dwa!he0+R-I5;>sdw+X-dwYARdw+j_e|LX(iF=8AiF=H0jBbo>jBcBMn}2_Ne|&#@e|&#@n}3^sn}3^smw&j6"
    "J2*QyJ2*QyJ2-Z5J2-@NbZ|IuIB-jFMR7Tnf0loif1{Rvo_n5qo_p5Ki&KkJi&KATe`$Yde`$M9drx~$lYf(clYf(clYf(c#-w|9dx~j_X^Lq_"
    "f0K%TihqraZkwcve|vwPdvr&eip57emUK9G!<K)Zw|l;rgMW*EX@5jddry0;f0>b$lZt7EhIDCwhID6tJ7Zit|NrNxo?N@Rpox1sIG%fxf0KWc"
    "f0KWce|(91iF?Dvn}3^sgmj*Jo_mILIRF3Wn}6SlmVb$R!^NI^iF=8Ae|&#@J2*Qyo_n5qi&KkJlYf(ce`$M9ercC~l&Fk*ifM^^e|(;Mo_n5q"
    "o_l+DU#Va?$jFI|Zg6{PX?b9ZlZk(PJ2;(xi&J}dgL18cI5?Jq003leZf-;X00000WMqp#makF(qX4C*M2U)UiGPZho;!qzt(JeDmw5nxdwZUW"
    "o|!v)gl&IBbcBF+du?rhdqj43fN*eod4G0)d31zygs4PxdvvITdwh(kjD)C#o_m6JbX<glu710yn1r8uih7!TjC*@*g@0~1o_u_He~hhze~pZd"
    "e}A5OjDI^jJKNEoj+T0tiHeGPoqyPYmX?l}t(Tscd5n8{t%{tA*4wACij3Hcdwh0ki+r_ff`WN~mxFtQe{OYmt9OZaxV?^^c5bP8e0+UsZfQ6;"
    "IJLBcd4hL?yQrIoy_T?@=*gaY&ZU5DtgxPYorax;$F;wh?9RKWjBaHB00000R8*UYigtN_dTNJveQMaXfoqO=j(LuGtf!ZS%dpwFu#1dtdv$wv"
    "dv}U=yP}GBig${Cy^_6>JJ_{^d7Ourg`A0sce0x}iF=8A!^MAmo_wBs*tLOchIE#KmV%ypo_n5qjBa{&dUtwvig$Wyv7U!_ig${4igwDh!>)*S"
    "*TCPxn}nN>du^A1>c_LK&&HmA#-xsU*|yoYpNRkf0000000000WXNR5LNX$NKqwRd00000NlAcY$jD@5KtMo1XlQ6?WMp=BLx#ve000000000e"
    "|NkyaX)a4?L{LzuVryifp)$y1B2Q1blapkCWMpJSp=4Ufp{RC+sHi}os6aq100000000000000000000Q6vBWQBhG*QBi7YYBDlVQBhG*QBhG*"
    "QBi7YYBDkaPgGM`R8dwUeNa|QI{*Lxuz-MofWv_Q*T$WIfPjGifPjF2n}7fSfPjDi0Du4h0000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000%*>48fy~x>jK2WJm#Tk%UW}1bq@mHsjE$b4qo1^i%-6_?m2{bzd_;tao{g(_dY*LFU6zMl"
    "flRvZjgo_^qnmJWd!&whM@Imh003$L!ovT;!otGB!otGB!otFGJ7bEuiMinaxQe^uaEzO+I9!0EccaJaq<5vsIBtK#`kVTVZj1l`0KxzO00000"
    "sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@"
    "sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@iGXN-f3Jpyudk4=uaJP4n1`sSs6>FMetv*}fRCrBw6v&XWMpKMlarHap44fc)M;sHfPgiCsHmu@sHmu@"
    "OQ@)*sHmu@sHmu@sHmu@sHmu@$jGRusHmu@sHmu@sHmu@sHmu@sHoD?U8tz2sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@larIEsHmu&ov5g&"
    "sHmu@sHmu@sHm^6udiuoudlDKudlDKsHmu@sHn)usHka^lar{ZrKP2%en5Vx$jHdZ$f%Q(sHmu@sHmu@|Np3{sHmu@sHmu@sHmu@sHmu@sHn)u"
    "$jHdAkgu<hudm3jkgt%hy}iA?y}iA?y}gKty}fU5nwpxLWo4S0Wo4S0nwn*0nwn*0nwpxLny+K8udlDKudlDKudixqpTon$PEJlvudkY#nwoaK"
    "y}iA?nwpy6y}iA?udlDKnwpxYr<0SKw8*ryw6wHyw6wCahs*l=w6wHqw6wIew6wIew0g99w6wIehL(bzZM3wskF>P3w6wIew6wIew9(Pgw6wH)"
    "lasWxw6wIew6wIew6wIew6wIew6wIew6wIew6wIew6wIew6wIev|oU<v|mVJmYTG*w6wIew6wIew6wIeuCA`GuCBDSw6wIew6wIew6wIev~9Gs"
    "w6wIev;efUw2jHy>$Rw;sHmu@sHmu@si>2alas2GlK=n!00000sHmu@00000000000000000000000000000000000005H!000000000000000"
    "00000000000000000000"
)
BOLD: Final = (
    "MqFvAjLEM)TwH0WOjJxtjEszojEszojEqoFsHmuQ$eWpyr-_NBs7p(mfXJw;ldGGNiKCm{n~{=SN?fR9WQUM<kce22k3~g>MbVFnkdR||V2^{j"
    "f`fIBN{^@j0000000000000000000000000000000000000000MqG@HfQ(9HWXN%Xs8q;gWT;qJWR!qRWLR;6(9qCzo12@Po158_iHV7cOG`^j"
    "sHm%}tE;Q1tD~c%qmh)5hlhuUhlkR4h=_=YMMXtLijRtlii(P;ijR+vkAskdn}?f+n}?HklXsJMlXs_(sE~<>iHM1aiHM1arI4kNrI4kNsE@;+"
    "OGQgXOGQgXOGTB6OGTT8hJZzYMSx&{aDhvxkEoBRkHx5utBR|NtBUH|n`4_}n`4o9k$91Kk$8z<iC~FfqmQGHqmQGHqmQGH-MNv2k&<<ib&_>h"
    "kfWK9nUIr{cc`$Kkcx?_jEPvKpV3%On}$hu(WsBBuZr2XosgT6c!_Udj$nzXkE^4goRW2$n}KzVn}KtXON4Dp|NsBW#ESCl)0>A&MXQRVkE4&H"
    "kE4&HkBFOxn}^xbrI4kNn}(~3tBRX-MgRZ*rI7!gsE?b6+0v_un}?f+iHM1aOGQgXtBR|Nn`4_}qmQGHk$8z<i+ZS!sI8)el69MhiHNI;tBR|N"
    "tBR3>W3FdK+S;3wcYuj_b)9>eqnn9{OGT}pn`4oKjB(AVJw2$6003lnZf;Nj00000S!AG0s>*QyvjD`iPMev4n~9RBt4o`k$f$p-sFMJRiIJ<D"
    "s;f(pig1rkh>DPjig0(2icXJzl!<qWpOAN)fQX%fpRP`biiob8gN2sGmY}YctBR9%iDQj~xPIHHr;xgplY^dzmyn5em5_HutAT-(kdw%hkc^Xz"
    "iHWd)laWhHOXuRSq^O&yo0*w_vx)VOsHmi;$f&ERlaq;?$D6vM`2W1nnUm|Ahm3z|qKL?Kjg5$tq>GA+kau*0$AXoL)!vu2e|N)yh=`AAcX&lb"
    "MaRICh>e4b+pejU%c#ev|KY2O_{xlM*VU_vtBk9R=F!)!|LfbXlXrsv00000R8+vCnR}CvfN6$pqK5Uzk9C`fq==-5%%;Gi-LL=5zpRsYiFA>J"
    "k%OCp-^rqiqKcxA&Z5quOZCW`e!rrqi@>6yir>3Mn}?f++0u!Ks)(wH^~jHPn}Mi}sEw<NtBR|NlXshgn}eH!qKbfN(6xqbn}VBynR@86;JBuX"
    "`ON>zsDQkojBuxu|JK&T*~_bt-MOTQ{?z}>z@h*E0000000000WXNR5LNX$ZOehop00000R8)*)$jD@5OiWBngoK2IWMqJVLx#vk000000000e"
    "|Nk{wel=QtlT%Z}esyG~rb5kRB3xY0rlx0rWMpYjrfG1<rl^UdsHjY@s7y>P00000000000000000000SS$blSXfwCSXgRmYC1YxSXfwCSXfwC"
    "SXgRmYC1XqTwr2TU|eD>g<N1wP5=M^x{QpBjM0q$@!hqIjEs!`jEszotc(BvjEsx`0E_?t0000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000;Omp~wA<x-jM@O#x3Z6qc#N!H!>IAdjFzjsqoK5p%>T%jmvpPEnM9kLx}>XslA?+2U7wR<"
    "iA=u#o|J>FsGD$rnWvD5MMVIw003?P(9r+T(9qD((9qD((9qC)ON74Mo815Z;hW+AfRm@lMS8ErgTeOy!h*v0MR$<V|EK?xcas1B0MGyc00000"
    "sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@"
    "sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@n~ZIViL8u_w6vDAw3dLLo{*@hj7p5CeoTgjhL5MHw6v&XWMpKcqobpGy8m&+|8a3~jEp;ssHmu@sHmu@"
    "OQ@)*sHmu@sHmu@sHmu@sHmu@)zzq|sHmu@sHmu@sHmu@sHmu@sj1S^WT>d9sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@sHmu@qobp!sHmu*ps1**"
    "sHmu@sHmu@sHnHMx3_I=x3{;qx3{;qsHmu@sHn)usHknDqob&(si~={eoTI-$jHdZ$f%>EsHmu@sHmu@|Np3{sHmu@sHmu@sHmu@sHmu@sHn)u"
    "$jIolmbA2%w6y57mb8|%y}iA?y}iA?y}gKty}fU5nwpxLWo4S0Wo4S0nwn*0nwn*0nwpxLny+K8udlDKudlDKudixqsl&s=PEJlvnwpxLnwo&U"
    "y}iA?nwpy6y}iA?udlDKnwpxYr<0SKw8*ryw6wHyw6wCahs*l=w6wHqw6wIew6wIew0g99w6wIehL(bzZM3wskF>P3w6wIew6wIew9(Pgw6wH)"
    "lasWxw6wIew6wIew6wIew6wIew6wIew6wIew6wIew6wIew6wIev|oU<v|mVJmYTG*w6wIew6wIew6wIeuCA`GuCBDSw6wIew6wIew6wIev~9Gs"
    "w6wIev;efUw2jHy>$Rw;sHmu@sHmu@si>2alas2GlK=n!00000sHmu@00000000000000000000000000000000000005H!000000000000000"
    "00000000000000000000"
)
