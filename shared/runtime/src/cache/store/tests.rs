//! A store keeps what it was given or says that it has it no more; what it cannot be is refused at start.

use super::*;

const ID: Identity = Identity([3; 32]);

async fn open(folder: &std::path::Path) -> ResultStore {
    ResultStore::open(&folder.display().to_string()).await.unwrap()
}

fn file_of(folder: &std::path::Path) -> PathBuf {
    folder.join(location(&ID).as_ref())
}

#[tokio::test]
async fn a_result_is_written_once_and_checked_when_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let result = Bytes::from(vec![5; 10_000]);
    let pointer = store.put(&ID, result.clone()).await.unwrap();
    assert_eq!(store.put(&ID, result.clone()).await.unwrap(), pointer);
    assert_eq!(store.get(&pointer).await.unwrap(), Some(result.clone()));
    assert!(store.has(&pointer).await.unwrap());
    assert_eq!(
        store.usage().await.unwrap(),
        StoreUsage {
            results: 1,
            bytes: 10_000
        }
    );
    let file = file_of(folder.path());
    for damage in [&b"short"[..], &[6; 10_000]] {
        fs::write(&file, damage).unwrap();
        assert_eq!(store.get(&pointer).await.unwrap(), None);
        store.put(&ID, result.clone()).await.unwrap();
        assert_eq!(
            store.get(&pointer).await.unwrap(),
            Some(result.clone()),
            "mended by the next write"
        );
    }
    assert_eq!(store.clear().await.unwrap().results, 1);
    assert_eq!(store.get(&pointer).await.unwrap(), None);
    assert!(!store.has(&pointer).await.unwrap());
    assert_eq!(store.usage().await.unwrap(), StoreUsage::default());
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_refused_at_start() {
    let refused = |uri: String| async move { ResultStore::open(&uri).await.expect_err(&uri) };
    let error = refused("ftp://key:secret@bucket/x".into()).await;
    assert!(matches!(&error, StoreError::Scheme { scheme, .. } if scheme == "ftp"));
    assert!(!error.to_string().contains("secret"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(
        refused(file.join("in").display().to_string()).await,
        StoreError::Folder { .. }
    ));
}

#[tokio::test]
async fn a_pointer_into_another_store_is_told_from_a_missing_result() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let pointer = open(folders[0].path())
        .await
        .put(&ID, Bytes::from_static(b"x"))
        .await
        .unwrap();
    let other = open(folders[1].path()).await;
    assert!(matches!(other.get(&pointer).await, Err(StoreError::Elsewhere { .. })));
}
