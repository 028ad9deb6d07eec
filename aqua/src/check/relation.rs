//! Relations of types: what may stand where, and what holds two.

use std::collections::HashMap;
use std::sync::Arc;

use crate::hir::{Arrow, Labelled, Scalar, Type};

/// Answers about types, remembered: structures that share parts would otherwise cost exponential time.
#[derive(Default)]
pub(crate) struct Relations {
    data: Memory<Labelled, bool>,
    arrows: Memory<Arrow, bool>,
    joins: Memory<Labelled, Type>,
}

/// Answers by the addresses of what was asked about, which is kept so that nothing else gets them.
type Memory<T, A> = HashMap<(usize, usize), (Arc<T>, Arc<T>, A)>;

impl Relations {
    /// Whether a value of `a` is accepted where `b` is wanted.
    pub(crate) fn fits(&mut self, a: &Type, b: &Type) -> bool {
        use Type::*;
        match (a, b) {
            (Poison | Bottom, _) | (_, Poison | Top) => true,
            (Scalar(a), Scalar(b)) => a == b || number_fits(*a, *b),
            (IntLiteral(low, high), Scalar(b)) => interval_fits(*low, *high, *b),
            (IntLiteral(a, b), IntLiteral(low, high)) => low <= a && b <= high,
            (IntLiteral(..), FloatLiteral) | (FloatLiteral, FloatLiteral) => true,
            (FloatLiteral, Scalar(b)) => matches!(b, crate::hir::Scalar::F32 | crate::hir::Scalar::F64),
            (Array(a) | Option(a), Array(b) | Option(b)) => self.fits(a, b),
            (Stream(a), Array(b) | Option(b) | Stream(b)) => self.fits(a, b),
            (StreamMap(a), StreamMap(b)) => self.fits(a, b),
            (Data(a), Data(b)) | (Ability(a), Ability(b)) => self.labelled_fits(a, b),
            (Arrow(a), Arrow(b)) => self.arrow_fits(a, b),
            _ => false,
        }
    }

    fn labelled_fits(&mut self, a: &Arc<Labelled>, b: &Arc<Labelled>) -> bool {
        if Arc::ptr_eq(a, b) {
            return true;
        }
        let key = (Arc::as_ptr(a).addr(), Arc::as_ptr(b).addr());
        if let Some((_, _, known)) = self.data.get(&key) {
            return *known;
        }
        let fits = b.fields.iter().all(|(name, wanted)| a.field(name).is_some_and(|found| self.fits(found, wanted)));
        self.data.insert(key, (a.clone(), b.clone(), fits));
        fits
    }

    fn arrow_fits(&mut self, a: &Arc<Arrow>, b: &Arc<Arrow>) -> bool {
        if Arc::ptr_eq(a, b) {
            return true;
        }
        let key = (Arc::as_ptr(a).addr(), Arc::as_ptr(b).addr());
        if let Some((_, _, known)) = self.arrows.get(&key) {
            return *known;
        }
        let counts = |arrow: &Arrow| (arrow.abilities.len(), arrow.params.len(), arrow.results.len());
        let fits = counts(a) == counts(b)
            && b.abilities.iter().zip(&a.abilities).all(|(given, wanted)| self.fits(given, wanted))
            && b.params.iter().zip(&a.params).all(|(given, wanted)| self.fits(given, wanted))
            && a.results.iter().zip(&b.results).all(|(given, wanted)| self.fits(given, wanted));
        self.arrows.insert(key, (a.clone(), b.clone(), fits));
        fits
    }

    /// Whether each fits the other.
    pub(crate) fn equal(&mut self, a: &Type, b: &Type) -> bool {
        self.fits(a, b) && self.fits(b, a)
    }

    /// The least type that both fit; [`Type::Top`] if they have nothing in common.
    pub(crate) fn join(&mut self, a: &Type, b: &Type) -> Type {
        use Type::*;
        if self.fits(a, b) {
            return b.clone();
        }
        if self.fits(b, a) {
            return a.clone();
        }
        match (a, b) {
            (IntLiteral(a, b), IntLiteral(c, d)) => IntLiteral(*a.min(c), *b.max(d)),
            (Array(a), Array(b)) => Array(Arc::new(self.join(a, b))),
            (Array(a) | Option(a), Array(b) | Option(b)) => Option(Arc::new(self.join(a, b))),
            (Data(a), Data(b)) => self.join_data(a, b),
            _ => least_number(a, b).map_or(Top, Scalar),
        }
    }

    fn join_data(&mut self, a: &Arc<Labelled>, b: &Arc<Labelled>) -> Type {
        let key = (Arc::as_ptr(a).addr(), Arc::as_ptr(b).addr());
        if let Some((_, _, known)) = self.joins.get(&key) {
            return known.clone();
        }
        let mut fields = Vec::new();
        for (name, left) in &a.fields {
            if let Some(right) = b.field(name) {
                fields.push((name.clone(), self.join(left, right)));
            }
        }
        let joined = match fields.is_empty() {
            true => Type::Top,
            false => Type::Data(Arc::new(Labelled { name: format!("{} or {}", a.name, b.name).into(), fields })),
        };
        self.joins.insert(key, (a.clone(), b.clone(), joined.clone()));
        joined
    }

    /// Whether `==` makes sense between two types.
    pub(crate) fn comparable(&mut self, a: &Type, b: &Type) -> bool {
        use Type::*;
        match (a, b) {
            (Poison | Bottom, _) | (_, Poison | Bottom) => true,
            (Top | Arrow(_) | Ability(_) | StreamMap(_), _) | (_, Top | Arrow(_) | Ability(_) | StreamMap(_)) => false,
            (Array(a) | Option(a) | Stream(a), Array(b) | Option(b) | Stream(b)) => self.comparable(a, b),
            (Data(_), Data(_)) => self.fits(a, b) || self.fits(b, a),
            _ => a == b || (is_number(a) && is_number(b)),
        }
    }
}

/// What a stream is where a value is wanted: the array of its elements.
pub(crate) fn frozen(ty: &Type) -> Type {
    match ty {
        Type::Stream(element) => Type::Array(element.clone()),
        _ => ty.clone(),
    }
}

/// The type of the elements of a collection or stream.
pub(crate) fn element(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Array(element) | Type::Option(element) | Type::Stream(element) => Some(element),
        _ => None,
    }
}

/// Whether it is an integer type or an integer literal's.
pub(crate) fn is_integer(ty: &Type) -> bool {
    match ty {
        Type::Scalar(scalar) => interval(*scalar).is_some(),
        Type::IntLiteral(..) | Type::Poison | Type::Bottom => true,
        _ => false,
    }
}

pub(crate) fn is_float(ty: &Type) -> bool {
    matches!(ty, Type::FloatLiteral | Type::Scalar(Scalar::F32 | Scalar::F64))
}

pub(crate) fn is_number(ty: &Type) -> bool {
    is_integer(ty) || is_float(ty)
}

/// Whether no value of it is below zero.
pub(crate) fn is_unsigned(ty: &Type) -> bool {
    match ty {
        Type::Scalar(scalar) => interval(*scalar).is_some_and(|(low, _)| low == 0),
        Type::IntLiteral(low, _) => *low >= 0,
        Type::Poison | Type::Bottom => true,
        _ => false,
    }
}

/// The least and greatest value of an integer type.
pub(crate) fn interval(scalar: Scalar) -> Option<(i128, i128)> {
    let signed = |bits: u32| Some((-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1));
    let unsigned = |bits: u32| Some((0, (1i128 << bits) - 1));
    match scalar {
        Scalar::U8 => unsigned(8),
        Scalar::U16 => unsigned(16),
        Scalar::U32 => unsigned(32),
        Scalar::U64 => unsigned(64),
        Scalar::I8 => signed(8),
        Scalar::I16 => signed(16),
        Scalar::I32 => signed(32),
        Scalar::I64 => signed(64),
        _ => None,
    }
}

fn interval_fits(low: i64, high: i64, scalar: Scalar) -> bool {
    match interval(scalar) {
        Some((least, greatest)) => least <= i128::from(low) && i128::from(high) <= greatest,
        // Floats hold the integers up to the size of their mantissa exactly.
        None => {
            let exact = match scalar {
                Scalar::F32 => 1i64 << 24,
                Scalar::F64 => 1i64 << 53,
                _ => return false,
            };
            -exact <= low && high <= exact
        }
    }
}

fn number_fits(a: Scalar, b: Scalar) -> bool {
    match (interval(a), interval(b)) {
        (Some((low, high)), Some((least, greatest))) => least <= low && high <= greatest,
        (Some((_, high)), None) => match b {
            Scalar::F32 => high < 1 << 16,
            Scalar::F64 => high < 1 << 32,
            _ => false,
        },
        (None, None) => a == Scalar::F32 && b == Scalar::F64,
        (None, Some(_)) => false,
    }
}

/// The least number type that holds both.
pub(crate) fn least_number(a: &Type, b: &Type) -> Option<Scalar> {
    const ORDER: [Scalar; 10] = [
        Scalar::U8,
        Scalar::I8,
        Scalar::U16,
        Scalar::I16,
        Scalar::U32,
        Scalar::I32,
        Scalar::U64,
        Scalar::I64,
        Scalar::F32,
        Scalar::F64,
    ];
    let mut relations = Relations::default();
    let number = |ty: &Type| is_number(ty) && !matches!(ty, Type::Poison | Type::Bottom);
    if !number(a) || !number(b) {
        return None;
    }
    ORDER.into_iter().find(|&scalar| {
        let candidate = Type::Scalar(scalar);
        relations.fits(a, &candidate) && relations.fits(b, &candidate)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let mut relations = Relations::default();
        let scalar = Type::Scalar;
        for (a, b, want) in [
            (scalar(Scalar::U8), scalar(Scalar::I16), true),
            (scalar(Scalar::U64), scalar(Scalar::I64), false),
            (scalar(Scalar::I16), scalar(Scalar::F32), true),
            (scalar(Scalar::I32), scalar(Scalar::F32), false),
            (scalar(Scalar::U32), scalar(Scalar::F64), true),
            (scalar(Scalar::I64), scalar(Scalar::F64), false),
            (Type::IntLiteral(300, 300), scalar(Scalar::U8), false),
            (Type::IntLiteral(255, 255), scalar(Scalar::U8), true),
            (Type::FloatLiteral, scalar(Scalar::F32), true),
        ] {
            assert_eq!(relations.fits(&a, &b), want, "{a} {b}");
        }
        let join = |a: &Type, b: &Type| Relations::default().join(a, b);
        assert_eq!(join(&scalar(Scalar::U8), &Type::IntLiteral(300, 300)), scalar(Scalar::U16));
        assert_eq!(join(&scalar(Scalar::I8), &scalar(Scalar::U16)), scalar(Scalar::I32));
        assert_eq!(join(&scalar(Scalar::I64), &scalar(Scalar::U64)), Type::Top);
    }
}
