//! Extended headers, as POSIX has them in pax(1), with the keywords of GNU and of star.

use super::fault::Fault;
use super::number;
use super::sparse::Pieces;

/// What extended headers say of a member.
#[derive(Clone, Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) mtime: Option<(i64, u32)>,
    /// Names and values; of the same name the last counts.
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names of attributes that are there in a form that castoff doesn't take.
    pub(super) untaken: Vec<&'static str>,
    pub(super) sparse: Sparse,
}

/// GNU's words on a sparse file.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    /// The version of the format: 1 has its map before the data.
    pub(super) major: u64,
    /// The size with the holes.
    pub(super) size: Option<u64>,
    /// The name; what stands in `path` is made up.
    pub(super) name: Option<Vec<u8>>,
    pub(super) map: Pieces,
    /// An offset whose length has not come yet.
    offset: Option<u64>,
}

impl Extended {
    /// Adds what the records of one header say.
    pub(super) fn read(&mut self, mut records: &[u8]) -> Result<(), Fault> {
        while !records.is_empty() {
            let (keyword, value, rest) = record(records).ok_or(Fault::Pax("a record is garbled"))?;
            self.take(keyword, value)?;
            records = rest;
        }
        Ok(())
    }

    fn take(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), Fault> {
        if let Some(name) = keyword.strip_prefix(b"SCHILY.xattr.") {
            self.xattrs.push((decoded(name), value.to_vec()));
            return Ok(());
        }
        match keyword {
            b"path" => self.path = text(value),
            b"linkpath" => self.link = text(value),
            b"size" => self.size = number_of(value, "the size is no number")?,
            b"uid" => self.uid = id(value, "the uid is no number")?,
            b"gid" => self.gid = id(value, "the gid is no number")?,
            b"mtime" if value.is_empty() => self.mtime = None,
            b"mtime" => {
                self.mtime = Some(number::time(value).ok_or(Fault::Pax("the time of modification is none"))?);
            }
            b"SCHILY.acl.access" => self.untaken.push("system.posix_acl_access"),
            b"SCHILY.acl.default" => self.untaken.push("system.posix_acl_default"),
            b"RHT.security.selinux" => self.untaken.push("security.selinux"),
            _ => return self.sparse.take(keyword, value),
        }
        Ok(())
    }
}

impl Sparse {
    /// Whether anything was said of a sparse file.
    pub(super) fn is_there(&self) -> bool {
        self.major > 0 || self.size.is_some() || !self.map.is_empty()
    }

    fn take(&mut self, keyword: &[u8], value: &[u8]) -> Result<(), Fault> {
        const GARBLED: &str = "a number of a sparse file is none";
        let number = || number::decimal(value).ok_or(Fault::Pax(GARBLED));
        match keyword {
            b"GNU.sparse.major" => self.major = number()?,
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.size = Some(number()?),
            b"GNU.sparse.name" => self.name = text(value),
            b"GNU.sparse.offset" => self.offset = Some(number()?),
            b"GNU.sparse.numbytes" => {
                let offset = self.offset.take().ok_or(Fault::Pax("a length has no offset"))?;
                self.map.push((offset, number()?));
            }
            b"GNU.sparse.map" if !value.is_empty() => {
                let numbers: Option<Vec<u64>> =
                    value.split(|byte| *byte == b',').map(number::decimal).collect();
                let numbers = numbers.filter(|numbers| numbers.len() % 2 == 0);
                let numbers = numbers.ok_or(Fault::Pax("the map of a sparse file is garbled"))?;
                self.map
                    .extend(numbers.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Splits the first record off: `LENGTH KEYWORD=VALUE\n`, where the length is that of all.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length = usize::try_from(number::decimal(records.get(..space)?)?).ok()?;
    let rest = records.get(length..)?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((record.get(..equals)?, record.get(equals + 1..)?, rest))
}

/// An empty value takes back what a global header said.
fn text(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

fn number_of(value: &[u8], otherwise: &'static str) -> Result<Option<u64>, Fault> {
    if value.is_empty() {
        return Ok(None);
    }
    number::decimal(value).map(Some).ok_or(Fault::Pax(otherwise))
}

fn id(value: &[u8], otherwise: &'static str) -> Result<Option<u32>, Fault> {
    let number = number_of(value, otherwise)?;
    number.map(|number| u32::try_from(number).map_err(|_| Fault::Pax(otherwise))).transpose()
}

/// GNU tar writes `=` and `%` in the names of attributes as `%3D` and `%25`.
fn decoded(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, others)) = rest.split_first() {
        let (byte, left) = match (others.strip_prefix(b"3D"), others.strip_prefix(b"25")) {
            (Some(left), _) if *first == b'%' => (b'=', left),
            (_, Some(left)) if *first == b'%' => (b'%', left),
            _ => (*first, others),
        };
        plain.push(byte);
        rest = left;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Extended, decoded};

    fn read(records: &[u8]) -> Option<Extended> {
        let mut extended = Extended::default();
        extended.read(records).ok().map(|()| extended)
    }

    #[test]
    fn records() {
        let read = read(b"12 path=a=b\n16 size=1234567\n26 SCHILY.xattr.user.x=\n\0\n").unwrap();
        assert_eq!((read.path.as_deref(), read.size), (Some(&b"a=b"[..]), Some(1_234_567)));
        assert_eq!(read.xattrs, [(b"user.x".to_vec(), b"\n\0".to_vec())]);
    }

    #[test]
    fn an_empty_value_takes_back() {
        let read = read(b"9 uid=12\n10 path=x\n8 path=\n7 uid=\n").unwrap();
        assert_eq!((read.path, read.uid), (None, None));
    }

    #[test]
    fn garbled_records() {
        for records in [
            &b"x"[..],
            b"12 path=a=b",
            b"99 path=a\n",
            b"0 path=a\n",
            b"3 \n",
            b"10 path#a\n",
            b"99999999999999999999999 a=b\n",
            b"10 uid=-1\n",
            b"22 GNU.sparse.map=1,2,3\n",
        ] {
            assert!(read(records).is_none(), "{}", records.escape_ascii());
        }
    }

    #[test]
    fn names_of_attributes() {
        assert_eq!(decoded(b"user.a%3Db%25c%zz%3"), b"user.a=b%c%zz%3");
    }
}
