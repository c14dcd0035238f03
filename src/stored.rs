//! A typed entity with the document it was read from.

use std::ops::{Deref, DerefMut};

use wayfare_graph::{BodyError, Document, Entity, Id, Version};

/// An entity as it was read: its value, its id, and the version that a save is checked against.
///
/// Derefs to the value. Changing the value changes nothing stored until [`Graph::save`](crate::Graph::save).
#[derive(Debug, Clone)]
pub struct Stored<T> {
    document: Document,
    value: T,
}

impl<T: Entity> Stored<T> {
    /// Decodes a document. One of an older schema than the type's is upgraded first, and stored in the new form
    /// when this is saved.
    ///
    /// # Errors
    /// [`BodyError::Decode`] when its fields do not fit, [`BodyError::NewerSchema`] when it is of a newer schema,
    /// [`BodyError::MissingUpgrade`], [`BodyError::UpgradeFailed`].
    pub fn from_document(document: Document) -> Result<Self, BodyError> {
        let document = document.upgraded::<T>()?;
        Ok(Self { value: document.decode()?, document })
    }

    pub(crate) fn new(document: Document, value: T) -> Self {
        Self { document, value }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &Id {
        self.document.id()
    }

    /// The version that was read, or last saved.
    #[must_use]
    pub fn version(&self) -> Version {
        self.document.version()
    }

    /// The document as it was read, or last saved.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The value alone.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }

    /// The document that a save would write: the value's fields over those that were read.
    pub(crate) fn to_save(&self) -> Result<Document, BodyError> {
        self.document.written_over(&self.value)
    }

    /// The same after its document was saved as it is.
    pub(crate) fn saved_as(self, version: Version) -> Self {
        Self { document: self.document.with_version(version).with_all_members(), value: self.value }
    }

    pub(crate) fn saved(&mut self, document: Document) {
        self.document = document.with_all_members();
    }
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Stored<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
